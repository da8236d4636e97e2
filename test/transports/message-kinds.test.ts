// JSON to messages of every kind of field, rule by rule of ProtoJSON (protobuf.dev/programming-guides/json).

import { toBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { readBinary, readMessage, registryOf } from "../../src/transports/message.ts";
import { refusalOf } from "../core/refusal.ts";
import { thing, thingFrom } from "./rule-service.ts";

/** Each row: JSON text, and the Thing that it makes. */
type Row = readonly [text: string, thing: unknown];
const holds = ([text, made]: Row): void => expect(thingFrom(text)).toEqual(made);

/** Each row: JSON text, the field that is told, and what of it. */
type Mistake = readonly [text: string, field: string, message: string];
const fails = ([text, field, message]: Mistake): void => {
  const refusal = refusalOf(() => thingFrom(text));
  expect([refusal.reason, refusal.message, refusal.particulars]).toEqual(["malformed", message, { field }]);
  expect(refusal.message).not.toMatch(/[;/?:@&=+$,#]/);
};

describe("null", () => {
  test.for<Row>([
    ['{"value":null}', { value: null }],
    ['{"values":[null,1,null]}', { values: [null, 1, null] }],
    ['{"value_map":{"a":null}}', { value_map: { a: null } }],
    ['{"structure":{"a":null}}', { structure: { a: null } }],
    ['{"neither":null}', { neither: null }],
    ['{"neither":"NULL_VALUE"}', { neither: null }],
    ['{"neither":0}', { neither: null }],
    ['{"nulls":[null,"NULL_VALUE"]}', { nulls: [null, null] }],
  ])("is a value where its type has it as one: %s", holds);

  test.for([
    "id",
    "count",
    "large_count",
    "flag",
    "kind",
    "data",
    "maybe",
    "tags",
    "part",
    "parts",
    "labels",
    "at",
    "wait",
    "mask",
    "text_value",
    "bool_value",
    "int64_value",
    "structure",
    "any",
    "anys",
    "left",
    "values",
    "value_map",
    "nulls",
  ])("is absence everywhere else: %s", (name) => {
    expect(thingFrom(`{"${name}":null,"owner":"o"}`)).toEqual({ owner: "o" });
  });

  test.for<Mistake>([
    ['{"tags":["a",null]}', "tags", "tags is null. Send a string"],
    ['{"kinds":[null]}', "kinds", "kinds is null. Send the name of an enum value"],
    ['{"parts":[null]}', "parts", "parts is null. Send an object"],
    ['{"int32_values":[1,null]}', "int32_values", "int32_values is null. Send a whole number"],
    ['{"times":[null]}', "times", "times is not of the form that Timestamp has in JSON"],
    ['{"anys":[null]}', "anys", "anys is null. Send an object"],
    ['{"labels":{"a":null}}', "labels", "labels is null. Send a string"],
  ])("is nothing that a list or a map could hold: %s", fails);
});

describe("a time", () => {
  test.for<Row>([
    ['{"at":"2028-02-29T23:59:59Z"}', { at: "2028-02-29T23:59:59Z" }],
    ['{"at":"2026-01-31T01:00:00+02:00"}', { at: "2026-01-30T23:00:00Z" }],
  ])("is of a day that there is: %s", holds);

  test.for<Mistake>([
    ['{"at":"2027-02-31T00:00:00Z"}', "at", "at names a day that does not exist"],
    ['{"times":["2026-04-31T00:00:00Z"]}', "times", "times names a day that does not exist"],
    ['{"at":"2027-02-32T00:00:00Z"}', "at", "at is not of the form that Timestamp has in JSON"],
  ])("is not of any other: %s", fails);
});

describe("a value of any shape", () => {
  test.for<Row>([
    ['{"value":12345678901234567890}', { value: 12345678901234567000 }],
    ['{"structure":{"a":[1,-2.5,"b",true,{"c":null}]}}', { structure: { a: [1, -2.5, "b", true, { c: null }] } }],
    ['{"structure":{"__proto__":1}}', { structure: JSON.parse('{"__proto__":1}') }],
  ])("has doubles for numbers: %s", holds);

  test.for<Mistake>([
    ['{"value":1e400}', "value", "value holds a number that is out of range"],
    ['{"structure":{"a":[-1e400]}}', "structure", "structure holds a number that is out of range"],
    [`{"values":[1${"0".repeat(310)}]}`, "values", "values holds a number that is out of range"],
    ['{"structure":1}', "structure", "structure is not of the form that Struct has in JSON"],
  ])("holds none that are not finite: %s", fails);
});

describe("an Any", () => {
  const PART = "type.googleapis.com/test.rules.Part";
  const WKT = "type.googleapis.com/google.protobuf";

  test.for<Row>([
    [`{"any":{"@type":"${PART}","partId":"p","inner":{"size":"1e2"}}}`, { part_id: "p", inner: { size: 100 } }],
    [`{"any":{"part_id":"p","@type":"${PART}"}}`, { part_id: "p" }],
    [`{"any":{"@type":"${PART}","nothing_known":1}}`, {}],
    [`{"any":{"@type":"${PART}"}}`, {}],
    [`{"any":{"@type":"test.rules.Part","size":1}}`, { size: 1 }],
  ])("is a message of the contract, by the type that it names: %s", ([text, part]) => {
    expect(thingFrom(text)).toEqual({ any: { "@type": PART, ...Object(part) } });
  });

  test.for([
    { "@type": `${WKT}.Timestamp`, value: "2021-05-03T12:46:31Z" },
    { "@type": `${WKT}.Int64Value`, value: "-9223372036854775808" },
    { "@type": `${WKT}.Value`, value: null },
    { "@type": `${WKT}.Struct`, value: { a: [1] } },
    { "@type": `${WKT}.Any`, value: { "@type": PART, size: 1 } },
    { "@type": "type.googleapis.com/test.rules.Thing", any: { "@type": PART, size: 1 } },
  ])("holds what has a form of its own under value: %j", (any) => {
    expect(thingFrom(JSON.stringify({ any, anys: [any] }))).toEqual({ any, anys: [any] });
  });

  test("may hold nothing", () => {
    expect(readMessage(thing, { any: {} })).toMatchObject({ any: { typeUrl: "", value: new Uint8Array() } });
  });

  test("is what it is in protobuf's own encoding", () => {
    const message = readMessage(thing, { any: { "@type": PART, size: 1 } });
    expect(readBinary(thing, toBinary(thing, message))).toEqual(message);
  });

  test.for<Mistake>([
    ['{"any":1}', "any", "any is a number. Send an object"],
    ['{"any":{"size":1}}', "any", "any does not name its type. Send its type URL"],
    ['{"any":{"@type":1}}', "any", "any does not name its type. Send its type URL"],
    ['{"any":{"@type":""}}', "any", "any does not name its type. Send its type URL"],
    ['{"any":{"@type":"a/b.C"}}', "any", "any is of a type that is not in the contract"],
    ['{"any":{"@type":"test.rules.Kind"}}', "any", "any is of a type that is not in the contract"],
    [
      `{"any":{"@type":"${PART}","size":"x"}}`,
      "any.size",
      "any.size is a string that is not a whole number. Send decimal digits alone without leading zeros",
    ],
    [
      `{"any":{"@type":"${PART}","sise":1}}`,
      "any.size",
      'any.size is missing and "sise" is no field. Did you mean size',
    ],
    [`{"anys":[{},{"@type":"${PART}","inner":[]}]}`, "anys.inner", "anys.inner is an array. Send an object"],
    [
      `{"any":{"@type":"${WKT}.Duration","value":1}}`,
      "any.value",
      "any.value is not of the form that Duration has in JSON",
    ],
    [`{"any":{"@type":"${WKT}.Duration"}}`, "any.value", "any.value is missing"],
  ])("has its mistakes told like any message's: %s", fails);

  test("may be of each type that the file of its message knows, by imports too", () => {
    const types = registryOf(thing);
    for (const name of ["test.rules.Echo", "google.protobuf.Duration", "google.api.HttpRule"]) {
      expect(types.getMessage(name)?.typeName).toBe(name);
    }
    expect(registryOf(LoginRequestSchema).getMessage("test.rules.Echo")).toBeUndefined();
    expect(registryOf(thing)).toBe(types);
  });
});

describe("a oneof", () => {
  test.for<Mistake>([
    [
      '{"left":"a","right":1}',
      "right",
      "left and right are both there and exclude each other by the oneof choice. Send one of them",
    ],
    [
      '{"right":1,"left":""}',
      "left",
      "right and left are both there and exclude each other by the oneof choice. Send one of them",
    ],
    [
      '{"left":"a","neither":null}',
      "neither",
      "left and neither are both there and exclude each other by the oneof choice. Send one of them",
    ],
    [
      '{"parts":[{"round":"r","square":0}]}',
      "parts.square",
      "parts.round and parts.square are both there and exclude each other by the oneof form. Send one of them",
    ],
  ])("has one of its fields sent, at most: %s", fails);

  test.for<Row>([
    ['{"left":"","right":null}', { left: "" }],
    ['{"left":null,"right":0}', { right: 0 }],
    ['{"part":{"round":"r"},"other_part":{"square":1}}', { part: { round: "r" }, other_part: { square: 1 } }],
  ])("takes any one of them: %s", holds);
});

describe("a map", () => {
  test.for<Row>([
    ['{"numbered":{"-2147483648":"a","0":"b"}}', { numbered: { "-2147483648": "a", "0": "b" } }],
    ['{"numbered":{"1e2":"a","5.0":"b"}}', { numbered: { "100": "a", "5": "b" } }],
    ['{"sized":{"18446744073709551615":{"size":1}}}', { sized: { "18446744073709551615": { size: 1 } } }],
    ['{"answers":{"true":"a","false":"b"}}', { answers: { true: "a", false: "b" } }],
    ['{"labels":{"":"a","__proto__":"b"}}', { labels: JSON.parse('{"":"a","__proto__":"b"}') }],
  ])("has keys of its type, in strings: %s", holds);

  test.for<Mistake>([
    ['{"numbered":{"a":"b"}}', "numbered", "numbered has a key that is not a whole number"],
    ['{"numbered":{"":"b"}}', "numbered", "numbered has a key that is not a whole number"],
    ['{"numbered":{"1.5":"b"}}', "numbered", "numbered has a key that is not a whole number"],
    ['{"numbered":{"0x10":"b"}}', "numbered", "numbered has a key that is not a whole number"],
    ['{"numbered":{"2147483648":"b"}}', "numbered", "numbered has a key that is out of range"],
    ['{"sized":{"-1":{}}}', "sized", "sized has a key that is out of range"],
    ['{"answers":{"True":"a"}}', "answers", "answers has a key that is neither true nor false"],
    ['{"numbered":{"1":"a","1.0":"b"}}', "numbered", "numbered has the same key twice"],
    [
      `{"any":{"@type":"a/test.rules.Thing","sized":{"x":{}}}}`,
      "any.sized",
      "any.sized has a key that is not a whole number",
    ],
  ])("has a key that does not fit told by its field: %s", fails);
});

describe("a whole number", () => {
  test.for([
    ["100", 100],
    ["1e2", 100],
    ["1E+2", 100],
    ["1.0", 1],
    ["-1.50e1", -15],
    ["100e-2", 1],
    ["0.0", 0],
    ["0e999999999", 0],
    ["-0", 0],
    ["-2.147483648e9", -2147483648],
  ] as const)("may have an exponent or a fraction of nothing, bare and in quotes: %s", ([digits, count]) => {
    const made = count === 0 ? {} : { count };
    expect(thingFrom(`{"count":${digits}}`)).toEqual(made);
    expect(thingFrom(`{"count":"${digits}"}`)).toEqual(made);
  });

  test("in quotes is exact to the last digit of 64 bits", () => {
    for (const digits of [
      "18446744073709551615",
      "1844674407370955161.5e1",
      "18446744073709551615.000",
      "1844674407370955161500e-2",
    ]) {
      expect(thingFrom(`{"large_count":"${digits}"}`)).toEqual({ large_count: "18446744073709551615" });
      expect(thingFrom(`{"uint64_value":"${digits}"}`)).toEqual({ uint64_value: "18446744073709551615" });
    }
  });

  test.for([
    "1e",
    "e2",
    "1e2.0",
    "1.e2",
    ".5",
    "+1",
    "01",
    "1e-1",
    "1.5",
    "1e-999999999",
    "0x10",
    " 1",
    "1_0",
    "NaN",
    "Infinity",
    "1\\n",
  ])("is told when it is none: %s", (text) => {
    for (const field of ["count", "large_count", "numbers", "int32_value", "uint64_value"]) {
      const value = field === "numbers" ? `["${text}"]` : `"${text}"`;
      fails([
        `{"${field}":${value}}`,
        field,
        `${field} is a string that is not a whole number. Send decimal digits alone without leading zeros`,
      ]);
    }
  });

  test.for(["2147483648", "2.147483648e9", "1e10", "1e999999999", "-1e40", "1e+99999999999999999999", "9".repeat(60)])(
    "is told when it is out of range: %s",
    (text) => {
      for (const field of ["count", "maybe", "int32_value"]) {
        fails([`{"${field}":"${text}"}`, field, `${field} is out of range`]);
      }
    },
  );
});

describe("bytes", () => {
  test.for(["A", "=", "A=", "AA=A", "AAAAA", "A==="])("that are not base64 are told by their field: %s", (data) => {
    fails([`{"data":"${data}"}`, "data", "data is not base64"]);
    fails([`{"bytes_value":"${data}"}`, "bytes_value", "bytes_value is not base64"]);
  });
});

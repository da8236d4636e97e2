// Query parameters, rule by rule of google/api/http.proto: which fields they reach, and what their values become.

import type { JsonValue } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { refusalOf } from "../core/refusal.ts";
import { thingOf } from "./rule-service.ts";

type Row = readonly [query: string, message: JsonValue];
const holds = ([query, message]: Row): void => expect(thingOf(query)).toEqual(message);

describe("a parameter", () => {
  test.for<Row>([
    ["name=a", { name: "a" }],
    ["name=", {}],
    ["name", {}],
    ["", {}],
    ["&&name=a&", { name: "a" }],
    ["name=a=b", { name: "a=b" }],
    ["text_value=a", { text_value: "a" }],
    ["textValue=a", { text_value: "a" }],
    ["left=a", { left: "a" }],
    ["maybe=0", { maybe: 0 }],
    ["text_value=", { text_value: "" }],
  ])("sets the field it names, in either spelling: %s", holds);

  test.for<Row>([
    ["name=a%20b+c", { name: "a b c" }],
    ["name=%F0%9F%94%91", { name: "🔑" }],
    ["name=a%26b%3Dc%2B", { name: "a&b=c+" }],
    ["name=%2541", { name: "%41" }],
    ["%6eame=a", { name: "a" }],
    ["part%2Epart_id=a", { part: { part_id: "a" } }],
  ])("is decoded once, a plus being a space: %s", holds);

  test.for(["name=%", "name=%4", "name=%zz", "%=a", "other=%"])(
    "with a percent sign astray is refused: %s",
    (query) => {
      const refusal = refusalOf(() => thingOf(query));
      expect(refusal.message).toBe("the query is not percent-encoded UTF-8");
      expect(refusal.reason).toBe("malformed");
    },
  );

  test.for(["name=%ff", "name=%c3", "name=%ed%a0%80"])("that is no UTF-8 is refused, as in a path: %s", (query) => {
    expect(refusalOf(() => thingOf(query)).reason).toBe("malformed");
  });

  test.for(["other=1", "Name=a", "part.other=1", "name.other=1", "part..size=1"])(
    "of an unknown name is ignored: %s",
    (query) => {
      expect(thingOf(`${query}&id=x`)).toEqual({ id: "x" });
    },
  );

  test.for(["__proto__=1", "constructor=1", "__proto__.name=1", "part.__proto__.size=1", "toString=1"])(
    "that every object has by nature is as unknown as others: %s",
    (query) => {
      expect(thingOf(query)).toEqual({});
      expect(Reflect.get({}, "name")).toBeUndefined();
    },
  );
});

describe("a number", () => {
  test.for<Row>([
    ["count=-2147483648", { count: -2147483648 }],
    ["large_count=18446744073709551615", { large_count: "18446744073709551615" }],
    ["maybe=-1", { maybe: -1 }],
    ["count=1e2&large_count=18446744073709551.615e3", { count: 100, large_count: "18446744073709551615" }],
    ["ratio=1.5", { ratio: 1.5 }],
    ["ratio=-1e3", { ratio: -1000 }],
    ["ratio=Infinity", { ratio: "Infinity" }],
    ["ratio=NaN", { ratio: "NaN" }],
    ["rough_ratio=0.25", { rough_ratio: 0.25 }],
  ])("is written as JSON would: %s", holds);

  test.for([
    ["count=a", "count is a string that is not a whole number. Send decimal digits alone without leading zeros"],
    ["count=1.5", "count is a string that is not a whole number. Send decimal digits alone without leading zeros"],
    ["count=", "count is a string that is not a whole number. Send decimal digits alone without leading zeros"],
    ["count=2147483648", "count is out of range"],
    ["large_count=-1", "large_count is out of range"],
    ["large_count=18446744073709551616", "large_count is out of range"],
  ] as const)("that is none is refused by its field: %s", ([query, message]) => {
    const refusal = refusalOf(() => thingOf(query));
    expect([refusal.message, refusal.particulars.field]).toEqual([message, query.split("=")[0]]);
  });

  test.for(["ratio=a", "ratio=", "ratio=0x10", "ratio=1,5", "rough_ratio=1e39"])(
    "with a fraction that is none is refused by its field, too: %s",
    (query) => {
      const refusal = refusalOf(() => thingOf(query));
      expect([refusal.reason, refusal.particulars.field]).toEqual(["malformed", query.split("=")[0]]);
    },
  );
});

describe("a boolean", () => {
  test.for<Row>([
    ["flag=true", { flag: true }],
    ["flag=false", {}],
    ["bool_value=false", { bool_value: false }],
    ["flags=true&flags=false", { flags: [true, false] }],
  ])("is true or false: %s", holds);

  test.for(["flag=1", "flag=True", "flag=", "flag=yes", "bool_value=0", "flags=true&flags=t"])(
    "is nothing else: %s",
    (query) => {
      const field = query.split("=")[0];
      const refusal = refusalOf(() => thingOf(query));
      expect([refusal.message, refusal.particulars]).toEqual([`${field} is neither true nor false`, { field }]);
    },
  );
});

describe("an enum", () => {
  test.for<Row>([
    ["kind=KIND_LARGE", { kind: "KIND_LARGE" }],
    ["kind=2", { kind: "KIND_SMALL" }],
    ["kind=0", {}],
    ["kind=7", { kind: 7 }],
    ["kinds=KIND_SMALL&kinds=1", { kinds: ["KIND_SMALL", "KIND_LARGE"] }],
  ])("is written by name or number: %s", holds);

  test.for(["kind=LARGE", "kind=kind_large", "kind=", "kind=1.5", "kind=9999999999"])(
    "of no such value is refused by its field: %s",
    (query) => {
      const refusal = refusalOf(() => thingOf(query));
      expect([refusal.reason, refusal.particulars.field]).toEqual(["malformed", "kind"]);
    },
  );
});

describe("bytes", () => {
  test.for<Row>([
    ["data=AP8%3D", { data: "AP8=" }],
    ["data=AP8", { data: "AP8=" }],
    ["data=-_8", { data: "+/8=" }],
    ["data=%2B%2F8", { data: "+/8=" }],
  ])("are base64, of either alphabet: %s", holds);

  test("that are none are refused by their field", () => {
    expect(refusalOf(() => thingOf("data=*")).particulars.field).toBe("data");
  });
});

test("a string comes through whole, whatever is in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (name) => {
      expect(thingOf(`name=${encodeURIComponent(name)}`)).toEqual(name === "" ? {} : { name });
      expect(thingOf(new URLSearchParams({ name }).toString())).toEqual(name === "" ? {} : { name });
    }),
  );
});

test("no query makes it fail but by a refusal", () => {
  const piece = fc.constantFrom(
    ..."=&.%+;[]",
    "%41",
    "%ff",
    "name",
    "part",
    "size",
    "tags",
    "at",
    "labels",
    "any",
    "1",
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string())), (pieces) => {
      try {
        thingOf(pieces.join(""));
      } catch {
        expect(refusalOf(() => thingOf(pieces.join(""))).reason).toBe("malformed");
      }
    }),
    { numRuns: 2_000 },
  );
});

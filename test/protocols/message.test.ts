// JSON is read as protobuf-es reads it, and each mistake is named.

import { type DescMessage, fromJson, type JsonValue, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CreateDeviceRequestSchema,
  ExplainLoginRequestSchema,
  UpdateDeviceRequestSchema,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type LoginRequest, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { toGrpcTrailers } from "../../src/protocols/errors.ts";
import { parseJson } from "../../src/protocols/json.ts";
import { readBinary, readMessage } from "../../src/protocols/message.ts";
import { unsupportedMediaType } from "../../src/protocols/mistakes.ts";
import { caughtError } from "../core/caught-error.ts";
import { thing } from "./rule-service.ts";

const readLogin = (text: string): LoginRequest => readMessage(LoginRequestSchema, parseJson(Buffer.from(text)));
const login = { device_key: "k", timestamp: 1620045991, device_signature: "aa" };

describe("a login", () => {
  test.for([
    { spelling: "snake_case", text: JSON.stringify(login) },
    { spelling: "camelCase", text: '{"deviceKey":"k","timestamp":1620045991,"deviceSignature":"aa"}' },
    { spelling: "a mixture", text: '{"deviceSignature":"aa","device_key":"k","timestamp":1620045991}' },
    { spelling: "with unknown fields", text: JSON.stringify({ ...login, firmware: "1.2", nested: { a: [1] } }) },
    { spelling: "with a near miss of a present name", text: JSON.stringify({ ...login, devicekey: "x" }) },
    { spelling: "with its time as a string", text: JSON.stringify({ ...login, timestamp: "1620045991" }) },
    { spelling: "with a fraction of zero", text: JSON.stringify(login).replace("991", "991.0") },
    { spelling: "in powers of ten", text: JSON.stringify(login).replace("1620045991", "1.620045991e9") },
    { spelling: "with a member twice", text: JSON.stringify(login).replace("{", '{"device_key":"x",') },
  ])("is read: $spelling", ({ text }) => {
    const { deviceKey, timestamp, deviceSignature } = readLogin(text);
    expect([deviceKey, timestamp, deviceSignature]).toEqual(["k", 1620045991n, "aa"]);
  });

  test("has an exact timestamp: a number up to 2^53, a string up to 64 bits", () => {
    for (const digits of ["0", "-1", "9007199254740991"]) {
      expect(readLogin(`{"timestamp":${digits}}`).timestamp).toBe(BigInt(digits));
    }
    for (const digits of ["0", "9007199254740993", "9223372036854775807", "-9223372036854775808"]) {
      expect(readLogin(`{"timestamp":"${digits}"}`).timestamp).toBe(BigInt(digits));
      expect(readLogin(`{"timestamp":"${digits}","unknown":1}`).timestamp).toBe(BigInt(digits));
    }
  });

  test.for(["{}", '{"device_key":null,"timestamp":null,"device_signature":null}', '{"timestamp":null,"firmware":1}'])(
    "may have its fields absent or null: %s",
    (text) => {
      const { deviceKey, timestamp, deviceSignature } = readLogin(text);
      expect([deviceKey, timestamp, deviceSignature]).toEqual(["", undefined, ""]);
    },
  );
});

test.for(["display_name,status", "displayName,status", "display_name,displayName"])(
  "a field mask is accepted in both spellings: %s",
  (mask) => {
    const { updateMask } = readMessage(UpdateDeviceRequestSchema, { update_mask: mask });
    expect(updateMask?.paths).toEqual(mask.split(",").map((path) => path.replace("N", "_n")));
  },
);

test("a field __proto__ is unknown, and changes no prototype", () => {
  expect(readLogin('{"__proto__":{"device_key":"k"},"constructor":1}').deviceKey).toBe("");
});

describe("JSON of any message", () => {
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  const text = fc.string({ unit: "grapheme" });
  const part = fc.record({ part_id: text, size: int32, inner: fc.record({ round: text }) }, { requiredKeys: [] });
  const date = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") });
  const anyJson = fc.json({ maxDepth: 3 }).map((written): JsonValue => JSON.parse(written));
  const valid = {
    id: text,
    count: int32,
    large_count: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    flag: fc.boolean(),
    kind: fc.constantFrom("KIND_LARGE", 2, 7),
    data: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
    tags: fc.array(text),
    numbers: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
    part: fc.option(part),
    parts: fc.array(part),
    labels: fc.dictionary(text, text),
    sized: fc.dictionary(fc.nat().map(String), part),
    at: date.map((time) => time.toISOString()),
    mask: fc.constantFrom("name", "name,part.partId"),
    value: anyJson,
    right: int32,
  };
  const near: JsonValue[] = ["", " 1", "0x10", "1e2", "01", "-0", "a=", 1.5, 1e20, Number.POSITIVE_INFINITY, -1, true];
  const item = fc.oneof(fc.constantFrom(...near), anyJson);
  const name = fc.constantFrom(...thing.fields.map((field) => field.name));
  const oneField = fc.tuple(name, fc.oneof(item, fc.tuple(item))).map(([field, value]) => ({ [field]: value }));
  const outcome = (json: JsonValue): unknown => {
    try {
      return toBinary(thing, readMessage(thing, json));
    } catch {
      return caughtError(() => readMessage(thing, json)).message;
    }
  };

  test("is read as protobuf-es reads it, and an unknown field changes nothing", () => {
    fc.assert(
      fc.property(fc.record(valid, { requiredKeys: [] }), (json) => {
        const message = toBinary(thing, fromJson(thing, json));
        expect(outcome(json)).toEqual(message);
        expect(outcome({ ...json, of_no_such_field_at_all: 1 })).toEqual(message);
        expect(toBinary(thing, readBinary(thing, message))).toEqual(message);
      }),
    );
  });

  test("has the same outcome with an unknown field, right or wrong", () => {
    fc.assert(
      fc.property(oneField, (json) => {
        expect(outcome({ ...json, of_no_such_field_at_all: 1 })).toEqual(outcome(json));
      }),
      { numRuns: 500 },
    );
  });
});

test("a message that is not protobuf is malformed", () => {
  expect(caughtError(() => readBinary(thing, Buffer.of(0xff))).reason).toBe("malformed");
});

type Row = readonly [text: string, message: string];

/** Makes a test that reads a text and compares the error. The message begins with the field. */
function names(desc: DescMessage): (row: Row) => void {
  return ([text, message]) => {
    const error = caughtError(() => readMessage(desc, parseJson(Buffer.from(text))));
    expect([error.reason, error.message]).toEqual(["malformed", message]);
    expect(error.details).toEqual({ field: message.split(" ")[0] });
    expect(error.message).not.toMatch(/[;/?:@&=+$,#]/);
  };
}

const NOT_WHOLE = "timestamp is a string that is not a whole number. Send decimal digits alone without leading zeros";

describe("a wrong login", () => {
  test.for<Row>([
    ['{"device_key":1}', "device_key is a number. Send a string"],
    ['{"device_key":["k"]}', "device_key is an array. Send a string"],
    ['{"deviceKey":{}}', "device_key is an object. Send a string"],
    ['{"device_key":"\\ud83d"}', "device_key holds half of a surrogate pair. Send whole characters"],
    ['{"timestamp":false}', "timestamp is a boolean. Send a whole number"],
    ['{"timestamp":1620045991.5}', "timestamp has a fraction. Send a whole number"],
    ...["1620045991.5", "", "1e2", "2021-05-03T12:46:31Z"].map(
      (digits): Row => [`{"timestamp":"${digits}"}`, NOT_WHOLE],
    ),
    ['{"timestamp":1e400}', "timestamp is out of range"],
    ['{"timestamp":"-9223372036854775809"}', "timestamp is out of range"],
    ['{"device_key":"k","deviceKey":"k"}', "device_key is sent in both spellings. Send it once"],
  ])("the mistake is named: %s", names(LoginRequestSchema));

  test.for<readonly [sent: string, meant: string, shown?: string]>([
    ["device-signature", "device_signature"],
    ["TIMESTAMP", "timestamp"],
    ["timestmp", "timestamp"],
    ["device_singature", "device_signature"],
    ["device key", "device_key"],
    ["time/stamp", "timestamp", "a name much like it"],
  ])("a near miss is named with the name that was meant: %s", ([sent, meant, shown = `"${sent}"`]) => {
    const message = `${meant} is missing and ${shown} is not a field. Did you mean ${meant}`;
    names(LoginRequestSchema)([JSON.stringify({ [sent]: "1" }), message]);
    names(LoginRequestSchema)([JSON.stringify({ [meant]: null, [sent]: "1" }), message]);
  });

  test.for(["key", "device", "signature", "time", "ts", "device_key_of_the_board", "x".repeat(1_000)])(
    "a name that is not near is ignored: %s",
    (name) => {
      expect(() => readMessage(LoginRequestSchema, { [name]: 1 })).not.toThrow();
    },
  );

  test("compares at most 16 unknown names", () => {
    const far = (count: number): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`far${at}`, 1]));
    const read = (json: object) => readMessage(LoginRequestSchema, parseJson(Buffer.from(JSON.stringify(json))));
    expect(() => read({ ...far(15), devicekey: "k" })).toThrow("Did you mean device_key");
    expect(() => read({ ...far(16), devicekey: "k" })).not.toThrow();
  });

  test.for<Row>([
    ["[]", "the body is an array. Send an object"],
    ["null", "the body is null. Send an object"],
    ["1", "the body is a number. Send an object"],
  ])("is an object: %s", ([text, message]) => {
    const error = caughtError(() => readMessage(LoginRequestSchema, parseJson(Buffer.from(text))));
    expect([error.message, error.details]).toEqual([message, {}]);
  });
});

test.for<Row>([
  ['{"device":[]}', "device is an array. Send an object"],
  [
    '{"device":{"devicekey":"k"}}',
    'device.device_key is missing and "devicekey" is not a field. Did you mean device_key',
  ],
  ['{"device":{"status":"on"}}', "device.status is not one of STATUS_UNSPECIFIED STATUS_ENABLED STATUS_DISABLED"],
  ['{"device":{"status":true}}', "device.status is a boolean. Send the name of an enum value"],
  ['{"device":{"shared_identity":"yes"}}', "device.shared_identity is a string. Send true or false"],
  ['{"device":{"labels":["a"]}}', "device.labels is an array. Send an object"],
  ['{"device":{"labels":{"a":1}}}', "device.labels holds a number. Send a string"],
  ['{"device":{"create_time":"now"}}', "device.create_time is not of the form that Timestamp has in JSON"],
])("a mistake in a message within a message is named by its path: %s", names(CreateDeviceRequestSchema));

test.for(["A", "AA=A", "a*", "AAAAA"])("bytes that are not base64 are named: %s", (body) => {
  names(ExplainLoginRequestSchema)([JSON.stringify({ body }), "body is not base64"]);
});

test.for<Row>([
  ['{"count":2147483648}', "count is out of range"],
  ['{"large_count":"18446744073709551616"}', "large_count is out of range"],
  ['{"kind":1.5}', "kind is not one of KIND_UNSPECIFIED KIND_LARGE KIND_SMALL"],
  ['{"tags":{}}', "tags is an object. Send an array"],
  ['{"tags":["a",null]}', "tags holds null. Send a string"],
  ['{"kinds":["KIND_HUGE"]}', "kinds holds a value that does not fit. Compare it with the contract"],
  ['{"numbered":{"a":"b"}}', "numbered holds a value that does not fit. Compare it with the contract"],
  ['{"parts":{}}', "parts is an object. Send an array"],
  ['{"parts":[null]}', "parts is null. Send an object"],
  ['{"parts":[{},{"size":"x"}]}', NOT_WHOLE.replace("timestamp", "parts.size")],
])("a mistake in a field of any kind is named: %s", names(thing));

describe("JSON of any shape", () => {
  const marker = "q;zQ7";
  const mark = (json: unknown): string =>
    JSON.stringify(json, (_key, value: unknown) => (typeof value === "string" ? value + marker : value));
  const strange = fc.string().map((name) => name + marker);
  const known = fc.constantFrom(...[LoginRequestSchema, thing].flatMap(({ fields }) => fields.map(({ name }) => name)));
  const value = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.dictionary(strange, fc.jsonValue({ maxDepth: 1 })));
  const text = fc.oneof(
    fc.dictionary(fc.oneof(known, strange), value).map(mark),
    fc.string({ unit: "binary" }).map((raw) => raw + marker),
  );

  test("fails with malformed or not at all, and no message repeats it", () => {
    fc.assert(
      fc.property(text, fc.constantFrom<DescMessage>(LoginRequestSchema, thing), (sent, desc) => {
        const read = (): unknown => readMessage(desc, parseJson(Buffer.from(sent)));
        try {
          read();
        } catch {
          const { reason, message } = caughtError(read);
          expect(reason).toBe("malformed");
          expect(message).not.toContain(marker);
          expect(message).not.toMatch(/[;/?:@&=+$,#]/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

test.for([
  ["text/plain", "text/plain"],
  ["application/x-www-form-urlencoded; charset=utf-8", "application/x-www-form-urlencoded"],
  ["application/grpc+thrift", "application/grpc+thrift"],
  ["json", "not of the form type/subtype"],
  [`text/${"x".repeat(41)}`, "not of the form type/subtype"],
  ["text/html\u0000", "not of the form type/subtype"],
  ["", "missing"],
  [undefined, "missing"],
] as const)("the error for a media type names the sent and the accepted type: %j", ([sent, named]) => {
  const error = unsupportedMediaType(sent, "application/json");
  const message = `the Content-Type is ${named}. Send application/json`;
  expect(error).toMatchObject({ reason: "unsupported_media_type", message });
  // grpc-js decodes by decodeURI, which leaves an escaped slash as it is.
  expect(Object.fromEntries(toGrpcTrailers(error))).toMatchObject({ "Grpc-Message": message });
});

test("gRPC escapes the percent sign and everything that is not printable ASCII", () => {
  const error = unsupportedMediaType("", "100 % grün\n");
  expect(Object.fromEntries(toGrpcTrailers(error))["Grpc-Message"]).toMatch(/Send 100 %25 gr%C3%BCn%0A$/);
});

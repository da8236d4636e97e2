// JSON to message: the reader accepts exactly what protobuf-es accepts.

import { fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UpdateDeviceRequestSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type LoginRequest, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { parseJson } from "../../src/protocols/json.ts";
import { readBinary, readMessage } from "../../src/protocols/message.ts";
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
  const values = {
    id: text,
    count: int32,
    large_count: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
    flag: fc.boolean(),
    kind: fc.constantFrom("KIND_LARGE", 2, 7),
    data: fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64")),
    tags: fc.array(text),
    numbers: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)),
    part,
    parts: fc.array(part),
    labels: fc.dictionary(text, text),
    sized: fc.dictionary(fc.nat().map(String), part),
    at: fc
      .date({ noInvalidDate: true, min: new Date(0), max: new Date("9999-01-01") })
      .map((date) => date.toISOString()),
    mask: fc.constantFrom("name", "name,part.partId"),
    value: fc.json({ maxDepth: 3 }).map((written): JsonValue => JSON.parse(written)),
    right: int32,
  };

  test("is read as protobuf-es reads it", () => {
    fc.assert(
      fc.property(fc.record(values, { requiredKeys: [] }), fc.boolean(), (json, useProtoFieldName) => {
        const sent = toJson(thing, fromJson(thing, json), { useProtoFieldName });
        const written = JSON.stringify(sent);
        const message = fromJson(thing, JSON.parse(written));
        const read = readMessage(thing, parseJson(Buffer.from(written)));
        expect(read).toEqual(message);
        expect(toBinary(thing, readBinary(thing, toBinary(thing, read)))).toEqual(toBinary(thing, message));
      }),
    );
  });

  test("an unknown field changes no decision", () => {
    const values = [
      '""',
      '" "',
      '" 1"',
      '"0x10"',
      '"1e2"',
      '"01"',
      '"-0"',
      "1.5",
      "1e20",
      "1e400",
      "-1",
      "true",
      '"a="',
    ];
    const item = fc.oneof(fc.constantFrom(...values), fc.json({ maxDepth: 2 }));
    const any = fc
      .oneof(
        item,
        item.map((only) => `[${only}]`),
      )
      .map((written): JsonValue => JSON.parse(written));
    const name = fc.constantFrom(...thing.fields.map((field) => field.name));
    const outcome = (json: JsonValue): unknown => {
      try {
        return toBinary(thing, readMessage(thing, json));
      } catch {
        return caughtError(() => readMessage(thing, json)).message;
      }
    };
    fc.assert(
      fc.property(name, any, (field, value) => {
        expect(outcome({ [field]: value, of_no_such_field_at_all: 1 })).toEqual(outcome({ [field]: value }));
      }),
      { numRuns: 500 },
    );
  });
});

test("a message that is not protobuf is malformed", () => {
  expect(caughtError(() => readBinary(thing, Buffer.of(0xff))).reason).toBe("malformed");
});

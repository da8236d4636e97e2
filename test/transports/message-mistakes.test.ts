// JSON to message on mistakes: each by its name and field.

import { describe, expect, test } from "vitest";
import { type LoginRequest, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { readJson } from "../../src/transports/json.ts";
import { readMessage } from "../../src/transports/message.ts";
import { refusalOf } from "../core/refusal.ts";

const readLogin = (text: string): LoginRequest => readMessage(LoginRequestSchema, readJson(Buffer.from(text)));

describe("a login", () => {
  test.for([
    {
      mistake: "the PHP sample's name",
      body: { "device-signature": "a" },
      field: "device_signature",
      shown: '"device-signature"',
    },
    { mistake: "no underscore", body: { devicekey: "k" }, field: "device_key", shown: '"devicekey"' },
    { mistake: "an underscore too many", body: { time_stamp: 1 }, field: "timestamp", shown: '"time_stamp"' },
    { mistake: "capitals", body: { TIMESTAMP: 1 }, field: "timestamp", shown: '"TIMESTAMP"' },
    { mistake: "PascalCase", body: { DeviceKey: "k" }, field: "device_key", shown: '"DeviceKey"' },
    { mistake: "a letter left out", body: { timestmp: 1 }, field: "timestamp", shown: '"timestmp"' },
    {
      mistake: "two letters exchanged",
      body: { device_singature: "a" },
      field: "device_signature",
      shown: '"device_singature"',
    },
    { mistake: "a space", body: { "device key": "k" }, field: "device_key", shown: '"device key"' },
    {
      mistake: "characters that are not repeated",
      body: { "time/stamp": 1 },
      field: "timestamp",
      shown: "a name much like it",
    },
    {
      mistake: "the true name being null",
      body: { device_key: null, devicekey: "k" },
      field: "device_key",
      shown: '"devicekey"',
    },
  ])("names both names of a near miss: $mistake", ({ body, field, shown }) => {
    const refusal = refusalOf(() => readLogin(JSON.stringify(body)));
    expect(refusal.message).toBe(`${field} is missing and ${shown} is no field. Did you mean ${field}`);
    expect(refusal.message).not.toMatch(/[;/?:@&=+$,#]/);
    expect([refusal.reason, refusal.particulars]).toEqual(["malformed", { field }]);
  });

  test.for(["key", "device", "signature", "time", "ts", "device_key_of_the_board", "x".repeat(1_000)])(
    "takes no far name for a slip: %s",
    (name) => {
      expect(() => readLogin(JSON.stringify({ [name]: 1 }))).not.toThrow();
    },
  );

  const key = "device_key";
  const time = "timestamp";
  test.for([
    {
      mistake: "a number for a key",
      text: '{"device_key":1}',
      field: key,
      message: "device_key is a number. Send a string",
    },
    {
      mistake: "a large number for a key",
      text: '{"device_key":12345678901234567890}',
      field: key,
      message: "device_key is a number. Send a string",
    },
    {
      mistake: "an array for a key",
      text: '{"device_key":["k"]}',
      field: key,
      message: "device_key is an array. Send a string",
    },
    {
      mistake: "an object for a key",
      text: '{"deviceKey":{}}',
      field: key,
      message: "device_key is an object. Send a string",
    },
    {
      mistake: "a boolean for a key",
      text: '{"device_key":true}',
      field: key,
      message: "device_key is a boolean. Send a string",
    },
    {
      mistake: "a boolean for a time",
      text: '{"timestamp":false}',
      field: time,
      message: "timestamp is a boolean. Send a whole number",
    },
    {
      mistake: "an object for a time",
      text: '{"timestamp":{}}',
      field: time,
      message: "timestamp is an object. Send a whole number",
    },
    {
      mistake: "a fraction",
      text: '{"timestamp":1620045991.5}',
      field: time,
      message: "timestamp has a fraction. Send a whole number",
    },
    {
      mistake: "a string with a fraction",
      text: '{"timestamp":"1620045991.5"}',
      field: time,
      message: "timestamp is a string that is not a whole number. Send decimal digits alone without leading zeros",
    },
    {
      mistake: "a string that is empty",
      text: '{"timestamp":""}',
      field: time,
      message: "timestamp is a string that is not a whole number. Send decimal digits alone without leading zeros",
    },
    {
      mistake: "a string with a space",
      text: '{"timestamp":" 1"}',
      field: time,
      message: "timestamp is a string that is not a whole number. Send decimal digits alone without leading zeros",
    },
    ...["01", "-01", "00", "-00", "0".repeat(300)].map((digits) => ({
      mistake: `leading zeros, ${digits.slice(0, 4)}`,
      text: JSON.stringify({ timestamp: digits }),
      field: time,
      message: "timestamp is a string that is not a whole number. Send decimal digits alone without leading zeros",
    })),
    {
      mistake: "a date",
      text: '{"timestamp":"2021-05-03T12:46:31Z"}',
      field: time,
      message: "timestamp is a string that is not a whole number. Send decimal digits alone without leading zeros",
    },
    {
      mistake: "over 64 bits",
      text: '{"timestamp":9223372036854775808}',
      field: time,
      message: "timestamp is out of range",
    },
    {
      mistake: "over 64 bits, as a string",
      text: '{"timestamp":"-9223372036854775809"}',
      field: time,
      message: "timestamp is out of range",
    },
    { mistake: "over every double", text: '{"timestamp":1e400}', field: time, message: "timestamp is out of range" },
    { mistake: "under every double", text: '{"timestamp":-1e400}', field: time, message: "timestamp is out of range" },
    {
      mistake: "both spellings",
      text: '{"device_key":"k","deviceKey":"k"}',
      field: key,
      message: "device_key is there in both spellings. Send it once",
    },
  ])("names the mistake and its field: $mistake", ({ text, field, message }) => {
    const refusal = refusalOf(() => readLogin(text));
    expect(refusal.message).toBe(message);
    expect([refusal.reason, refusal.particulars]).toEqual(["malformed", { field }]);
  });

  test.for([
    { text: "[]", message: "the body is an array. Send an object" },
    { text: "null", message: "the body is null. Send an object" },
    { text: '"text"', message: "the body is a string. Send an object" },
    { text: "1", message: "the body is a number. Send an object" },
    { text: "true", message: "the body is a boolean. Send an object" },
  ])("is an object: $text", ({ text, message }) => {
    const refusal = refusalOf(() => readLogin(text));
    expect([refusal.message, refusal.particulars]).toEqual([message, {}]);
  });
});

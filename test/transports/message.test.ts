// JSON to message: both spellings, exact numbers, and each mistake by its name and field.

import { toJson } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { CreateDeviceRequestSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type LoginRequest, LoginRequestSchema } from "../../gen/es/countersign/auth/v1/auth_pb.ts";
import { readJson } from "../../src/transports/json.ts";
import { readMessage } from "../../src/transports/message.ts";
import { refusalOf } from "../core/refusal.ts";

const readLogin = (text: string): LoginRequest => readMessage(LoginRequestSchema, readJson(Buffer.from(text)));
const login = { device_key: "k", timestamp: 1620045991, device_signature: "aa" };

describe("a login", () => {
  test.for([
    { spelling: "snake_case", text: JSON.stringify(login) },
    { spelling: "camelCase", text: '{"deviceKey":"k","timestamp":1620045991,"deviceSignature":"aa"}' },
    { spelling: "a mixture", text: '{"deviceSignature":"aa","device_key":"k","timestamp":1620045991}' },
    { spelling: "with fields nobody knows", text: JSON.stringify({ ...login, firmware: "1.2", nested: { a: [1] } }) },
    { spelling: "with a near miss of a name that is there too", text: JSON.stringify({ ...login, devicekey: "x" }) },
    { spelling: "with its time as a string", text: JSON.stringify({ ...login, timestamp: "1620045991" }) },
    { spelling: "with its time as a float without a fraction", text: JSON.stringify(login).replace("991", "991.0") },
    { spelling: "with its time in powers of ten", text: JSON.stringify(login).replace("1620045991", "1.620045991e9") },
  ])("is read: $spelling", ({ text }) => {
    const { deviceKey, timestamp, deviceSignature } = readLogin(text);
    expect({ deviceKey, timestamp, deviceSignature }).toEqual({
      deviceKey: "k",
      timestamp: 1620045991n,
      deviceSignature: "aa",
    });
  });

  test.for(["0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808"])(
    "has its timestamp exact, as a number and as a string: %s",
    (digits) => {
      expect(readLogin(`{"timestamp":${digits}}`).timestamp).toBe(BigInt(digits));
      expect(readLogin(`{"timestamp":"${digits}"}`).timestamp).toBe(BigInt(digits));
    },
  );

  test.for(["{}", '{"device_key":null,"timestamp":null,"device_signature":null}'])(
    "leaves to the core what is absent or null: %s",
    (text) => {
      const { deviceKey, timestamp, deviceSignature } = readLogin(text);
      expect([deviceKey, timestamp, deviceSignature]).toEqual(["", undefined, ""]);
    },
  );
});

describe("a message within a message", () => {
  const read = (device: unknown) =>
    readMessage(CreateDeviceRequestSchema, readJson(Buffer.from(JSON.stringify({ device }))));

  test("is read whole", () => {
    const device = {
      device_key: "k",
      status: "STATUS_DISABLED",
      key_mode: 2,
      sharedIdentity: true,
      replay_guard: false,
    };
    expect(toJson(CreateDeviceRequestSchema, read(device))).toEqual({
      device: {
        deviceKey: "k",
        status: "STATUS_DISABLED",
        keyMode: "KEY_MODE_DERIVED",
        sharedIdentity: true,
        replayGuard: false,
      },
    });
  });

  test.for([
    { device: [], field: "device", message: "device is an array. Send an object" },
    {
      device: { devicekey: "k" },
      field: "device.device_key",
      message: 'device.device_key is missing and "devicekey" is no field. Did you mean device_key',
    },
    {
      device: { status: "on" },
      field: "device.status",
      message: "device.status is none of STATUS_UNSPECIFIED STATUS_ENABLED STATUS_DISABLED",
    },
    {
      device: { status: true },
      field: "device.status",
      message: "device.status is a boolean. Send the name of an enum value",
    },
    {
      device: { replay_guard: 1 },
      field: "device.replay_guard",
      message: "device.replay_guard is a number. Send true or false",
    },
    {
      device: { shared_identity: "yes" },
      field: "device.shared_identity",
      message: "device.shared_identity is a string. Send true or false",
    },
  ])("has its mistakes named by their path: $message", ({ device, field, message }) => {
    const refusal = refusalOf(() => read(device));
    expect([refusal.message, refusal.particulars]).toEqual([message, { field }]);
  });
});

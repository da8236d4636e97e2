// Times and enums of the admin contract.

import { create, fromBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CustomerSchema,
  DeviceSchema,
  IssueCustomerKeyRequestSchema,
  KeyMode,
  KeyPurpose,
  Status,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { keyModes, keyPurposes, keyStates, readTime, statuses, writeTime } from "../../src/services/admin-messages.ts";

function fieldOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof AuthError && error.reason === "malformed") return error.details.field;
    throw error;
  }
  return undefined;
}

describe("readTime and writeTime", () => {
  test("convert every millisecond of the years 1 to 9999", () => {
    const range = { min: Date.parse("0001-01-01T00:00:00Z"), max: Date.parse("9999-12-31T23:59:59.999Z") };
    fc.assert(
      fc.property(fc.integer(range), (ms) => {
        expect(readTime(writeTime(ms), "time")).toBe(ms);
      }),
    );
  });

  test("keep a missing time missing", () => {
    expect(writeTime(undefined)).toBeUndefined();
    expect(readTime(undefined, "time")).toBeUndefined();
  });

  test.each([
    ["a time before the year 1", { seconds: -62_135_596_801n }],
    ["a time after 9999", { seconds: 253_402_300_800n }],
    ["negative nanoseconds", { nanos: -1 }],
    ["a second of nanoseconds", { nanos: 1_000_000_000 }],
  ])("refuse %s", (_what, time) => {
    expect(fieldOf(() => readTime(create(TimestampSchema, time), "not_before"))).toBe("not_before");
  });
});

describe("enums", () => {
  test("convert both ways", () => {
    for (const word of ["enabled", "disabled"] as const) expect(statuses.read(statuses.write(word))).toBe(word);
    for (const word of ["shared", "derived"] as const) expect(keyModes.read(keyModes.write(word))).toBe(word);
    for (const word of ["login", "derivation"] as const) expect(keyPurposes.read(keyPurposes.write(word))).toBe(word);
    for (const word of ["pending", "live", "expired", "retired"] as const) {
      expect(keyStates.read(keyStates.write(word))).toBe(word);
    }
    expect([statuses.write("enabled"), keyModes.write("derived")]).toEqual([Status.ENABLED, KeyMode.DERIVED]);
  });

  test("are undefined when unspecified", () => {
    expect(statuses.read(Status.UNSPECIFIED)).toBeUndefined();
    expect(statuses.read(undefined)).toBeUndefined();
    expect(keyModes.read(KeyMode.UNSPECIFIED)).toBeUndefined();
    expect(keyPurposes.read(KeyPurpose.UNSPECIFIED)).toBeUndefined();
  });

  test("refuse values that the contract does not have", () => {
    // As a client of a later contract would send it: the field's tag, and a value that this one does not have.
    const customer = fromBinary(CustomerSchema, Uint8Array.of(3 << 3, 9));
    const device = fromBinary(DeviceSchema, Uint8Array.of(5 << 3, 9));
    const { purpose } = fromBinary(IssueCustomerKeyRequestSchema, Uint8Array.of(2 << 3, 9));
    expect(fieldOf(() => statuses.read(customer.status))).toBe("status");
    expect(fieldOf(() => keyModes.read(device.keyMode))).toBe("key_mode");
    expect(fieldOf(() => keyPurposes.read(purpose))).toBe("purpose");
  });
});

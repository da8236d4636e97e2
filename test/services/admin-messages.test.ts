// Times and enums of the admin contract.

import { create, fromBinary } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CustomerSchema,
  DeviceAction,
  IssueCustomerKeyRequestSchema,
  KeyMode,
  Status,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import {
  deviceActions,
  keyModes,
  keyPurposes,
  limitMessage,
  readTime,
  statuses,
  writeTime,
} from "../../src/services/admin-messages.ts";
import { caughtError } from "../core/caught-error.ts";

const fieldOf = (act: () => unknown): unknown => {
  const { reason, details } = caughtError(act);
  return reason === "malformed" && details.field;
};

describe("readTime and writeTime", () => {
  test("convert every millisecond of the years 1 to 9999", () => {
    const range = { min: Date.parse("0001-01-01T00:00:00Z"), max: Date.parse("9999-12-31T23:59:59.999Z") };
    fc.assert(
      fc.property(fc.integer(range), (ms) => {
        expect(readTime(writeTime(ms), "time")).toBe(ms);
      }),
    );
  });

  test("leave a missing time missing", () => {
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
  test("convert both ways, and are undefined when unspecified", () => {
    const written = [statuses.write("disabled"), keyModes.write("derived"), deviceActions.write("revoke_tokens")];
    expect(written).toEqual([Status.DISABLED, KeyMode.DERIVED, DeviceAction.REVOKE_TOKENS]);
    const [status, keyMode, action] = written;
    const words = [statuses.read(status), keyModes.read(keyMode), deviceActions.read(action)];
    expect(words).toEqual(["disabled", "derived", "revoke_tokens"]);
    expect([statuses.read(Status.UNSPECIFIED), statuses.read(undefined)]).toEqual([undefined, undefined]);
  });

  test("refuse values that the contract does not have", () => {
    // A message of a later contract: the field's tag with an unknown value.
    const customer = fromBinary(CustomerSchema, Uint8Array.of(3 << 3, 9));
    const { purpose } = fromBinary(IssueCustomerKeyRequestSchema, Uint8Array.of(2 << 3, 9));
    expect(fieldOf(() => statuses.read(customer.status))).toBe("status");
    expect(fieldOf(() => keyPurposes.read(purpose))).toBe("purpose");
  });
});

test("a limit has the time of its next slot, rounded up to a millisecond, once a slot is taken", () => {
  const policy = { name: "login", limit: 10, windowMs: 60_000 } as const;
  const state = { policy, remaining: 9, resetMs: 59_989.625, decidedAt: 1_764_000_000_000 };
  const taken = { limit: "10/60s", remaining: 9, resetTime: writeTime(1_764_000_059_990) };
  expect(limitMessage(state)).toEqual(taken);
  expect(limitMessage({ ...state, remaining: 10, resetMs: 0 })).toMatchObject({ remaining: 10, resetTime: undefined });
  expect(limitMessage(undefined)).toEqual({ limit: "off" });
});

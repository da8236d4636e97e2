// Times and limits of the admin contract. admin.test.ts has the enums.

import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { limitMessage, readTime, writeTime } from "../../src/services/admin-messages.ts";
import { caughtError } from "../core/caught-error.ts";

test("every millisecond of the years 1 to 9999 is converted both ways", () => {
  const range = { min: Date.parse("0001-01-01T00:00:00Z"), max: Date.parse("9999-12-31T23:59:59.999Z") };
  fc.assert(
    fc.property(fc.integer(range), (ms) => {
      expect(readTime(writeTime(ms), "time")).toBe(ms);
    }),
  );
});

test.each([
  ["a time before the year 1", { seconds: -62_135_596_801n }],
  ["a time after 9999", { seconds: 253_402_300_800n }],
  ["negative nanoseconds", { nanos: -1 }],
  ["a second of nanoseconds", { nanos: 1_000_000_000 }],
])("%s is refused", (_what, time) => {
  const { reason, details } = caughtError(() => readTime(create(TimestampSchema, time), "not_before"));
  expect([reason, details.field]).toEqual(["malformed", "not_before"]);
});

test("a limit has the time of its next slot, rounded up to a millisecond, once a slot is taken", () => {
  const policy = { name: "login", limit: 10, windowMs: 60_000 } as const;
  const state = { policy, remaining: 9, resetMs: 59_989.625, decidedAt: 1_764_000_000_000 };
  const taken = { limit: "10/60s", remaining: 9, resetTime: writeTime(1_764_000_059_990) };
  expect(limitMessage(state)).toEqual(taken);
  expect(limitMessage({ ...state, remaining: 10, resetMs: 0 })).toMatchObject({ remaining: 10, resetTime: undefined });
  expect(limitMessage(undefined)).toEqual({ limit: "off" });
});

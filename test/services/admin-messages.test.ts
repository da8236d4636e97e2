// Times, limits, update masks and etags of the admin contract.

import { create } from "@bufbuild/protobuf";
import { FieldMaskSchema, TimestampSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DeviceSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { limitMessage, readTime, writeTime } from "../../src/services/admin-messages.ts";
import { readEtag, readMaskedPatch } from "../../src/services/admin-updates.ts";
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

/** The names of the fields that change. Without a mask status alone is set. */
function read(...paths: readonly string[]): readonly string[] {
  const patch = readMaskedPatch<Record<string, string>>(create(FieldMaskSchema, { paths: [...paths] }), DeviceSchema, {
    display_name: { change: { display_name: "x" }, isSet: false },
    status: { change: { status: "x" } },
    labels: { change: { labels: "x" }, isSet: false },
  });
  return Object.keys(patch).sort();
}

test("a mask changes the fields that it names, and an empty one those that are set", () => {
  expect(read("labels", "display_name", "labels")).toEqual(["display_name", "labels"]);
  expect(read()).toEqual(["status"]);
});

test.each([
  ["labels.site", "update_mask has labels.site which is not a field"],
  ["device_key", "update_mask has device_key which cannot be changed"],
  ["displayName", "update_mask has displayName which is not a field"],
  ["constructor", "update_mask has constructor which is not a field"],
  ["*", "update_mask has a path which is not a field"],
  ["a;b\n", "update_mask has a path which is not a field"],
  ["x".repeat(1_000), "update_mask has a path which is not a field"],
])("a mask of %j is refused", (path, message) => {
  const error = caughtError(() => read(path));
  expect([error.reason, error.details.field]).toEqual(["malformed", "update_mask"]);
  expect(error.message.startsWith(message)).toBe(true);
  // grpc-js would percent-encode these characters.
  expect(error.message).not.toMatch(/[;/?:@&=+$,#]|[^\x20-\x7e]/);
});

const ETAG = '"MTc2NDAwMDAwMDAwMC4x"';
const readHeader = (ifMatch: string | undefined, etag = ""): string =>
  readEtag(new Headers(ifMatch === undefined ? {} : { "if-match": ifMatch }), etag);

test.each([ETAG, `W/${ETAG}`, ETAG.replace(/"$/, '-gzip"')])("If-Match %s is that etag", (header) => {
  expect([readHeader(header), readHeader(header, ETAG)]).toEqual([ETAG, ETAG]);
});

test("without If-Match, and with *, the field counts", () => {
  for (const header of [undefined, "*"]) expect([readHeader(header), readHeader(header, ETAG)]).toEqual(["", ETAG]);
});

test.each([
  ["MTc2NDAwMDAwMDAwMC4x", "", "If-Match is not one etag"],
  [`${ETAG}, "another"`, "", "If-Match is not one etag"],
  ["", "", "If-Match is not one etag"],
  [ETAG, '"another"', "etag and If-Match differ. Send one of them"],
])("If-Match %s with the field %j is refused: %s", (header, etag, message) => {
  const error = caughtError(() => readHeader(header, etag));
  expect([error.reason, error.details]).toEqual(["malformed", { field: "etag" }]);
  expect(error.message).toContain(message);
});

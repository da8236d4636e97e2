// Update masks and etags. admin.test.ts has the fields of customers and devices.

import { create } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { DeviceSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { readEtag, readMaskedPatch } from "../../src/services/admin-updates.ts";
import { caughtError } from "../core/caught-error.ts";

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
  ["MTc2NDAwMDAwMDAwMC4x", ""],
  [`${ETAG}, "another"`, ""],
  ["", ""],
  [ETAG, '"another"'],
])("If-Match %s with the field %j is refused", (header, etag) => {
  const { reason, details } = caughtError(() => readHeader(header, etag));
  expect([reason, details]).toEqual(["malformed", { field: "etag" }]);
});

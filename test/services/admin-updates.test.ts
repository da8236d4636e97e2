// Update masks and etags.

import { create } from "@bufbuild/protobuf";
import { FieldMaskSchema } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { DeviceSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { readEtag, readMaskedPatch, withEtag } from "../../src/services/admin-updates.ts";
import { caughtError } from "../core/caught-error.ts";

interface Patch {
  readonly display_name?: string;
  readonly status?: string;
  readonly labels?: string;
}

/** The names of the fields that change. The request has no key_mode. */
function read(paths: readonly string[] | undefined, set: readonly string[] = []): readonly string[] {
  const mask = paths && create(FieldMaskSchema, { paths: [...paths] });
  const patch = readMaskedPatch<Patch>(mask, DeviceSchema, {
    display_name: { change: { display_name: "x" }, isSet: set.includes("display_name") },
    status: { change: { status: "x" }, isSet: set.includes("status") },
    labels: { change: { labels: "x" }, isSet: set.includes("labels") },
    key_mode: { change: undefined },
  });
  return Object.keys(patch).sort();
}

test("a mask changes the fields that it names", () => {
  expect(read(["labels", "display_name", "labels"])).toEqual(["display_name", "labels"]);
});

test.each([[undefined], [[]]])("without a mask (%j) the fields that are set change", (paths) => {
  expect(read(paths, ["status"])).toEqual(["status"]);
  expect(read(paths)).toEqual([]);
});

test("a mask needs a value for a field that cannot be empty", () => {
  const { reason, details } = caughtError(() => read(["key_mode"]));
  expect([reason, details.field]).toEqual(["malformed", "key_mode"]);
});

test.each([
  [["labels.site"], "update_mask has labels.site which is not a field"],
  [["device_key"], "update_mask has device_key which cannot be changed"],
  [["displayName"], "update_mask has displayName which is not a field"],
  [["constructor"], "update_mask has constructor which is not a field"],
  [["*"], "update_mask has a path which is not a field"],
  [["a;b\n"], "update_mask has a path which is not a field"],
  [["x".repeat(1_000)], "update_mask has a path which is not a field"],
])("a mask of %j is refused", (paths, message) => {
  const error = caughtError(() => read(paths));
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

test("a resource's etag is sent in the header", () => {
  const headers = new Headers();
  expect(withEtag(headers, { etag: ETAG })).toEqual({ etag: ETAG });
  expect(headers.get("ETag")).toBe(ETAG);
});

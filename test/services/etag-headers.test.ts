// Etags in headers: what If-Match may say, and what is told back.

import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { readEtag, withEtag } from "../../src/services/etag-headers.ts";

const ETAG = '"MTc2NDAwMDAwMDAwMC4x"';
const read = (ifMatch: string | undefined, etag = ""): string =>
  readEtag(new Headers(ifMatch === undefined ? {} : { "if-match": ifMatch }), etag);

test.each([
  ["the etag itself", ETAG],
  ["what is left of it when a proxy has compressed the answer", `W/${ETAG}`],
  ["that of a compressed answer", ETAG.replace(/"$/, '-gzip"')],
])("%s is that etag", (_what, sent) => {
  expect(read(sent)).toBe(ETAG);
  expect(read(sent, ETAG)).toBe(ETAG);
});

test("no header, and any version, leave it to the request", () => {
  for (const sent of [undefined, "*"]) expect([read(sent), read(sent, ETAG)]).toEqual(["", ETAG]);
});

test.each([
  ["without quotes", "MTc2NDAwMDAwMDAwMC4x", ""],
  ["of several", `${ETAG}, "another"`, ""],
  ["that is empty", "", ""],
  ["other than the request's", ETAG, '"another"'],
])("one %s is refused", (_what, sent, etag) => {
  const refused = expect.objectContaining({ reason: "malformed", particulars: { field: "etag" } });
  const thrown = (() => {
    try {
      return read(sent, etag);
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(AuthError);
  expect(thrown).toEqual(refused);
});

test("a resource's etag goes into the header, and nothing where there is none", () => {
  const headers = new Headers();
  expect(withEtag(headers, { etag: ETAG })).toEqual({ etag: ETAG });
  expect(headers.get("ETag")).toBe(ETAG);
  withEtag(new Headers(), {});
});

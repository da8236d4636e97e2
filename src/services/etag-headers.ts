// Etags in HTTP's own headers, as good as the contract's fields. Knows no resource.

import { malformed } from "../core/errors.ts";

/** What a compressing server, this one or a proxy, makes of an etag. */
const SENT = /^(?:W\/)?"([\w-]+?)(?:-gzip)?"$/;

/**
 * The etag that a change depends on: that of `If-Match` (RFC 9110, 13.1.1), or of the request itself; empty: on none.
 * @throws AuthError `malformed` for a header that is no etag, or another than the request's
 */
export function readEtag(requestHeader: Headers, etag: string): string {
  const sent = requestHeader.get("if-match");
  // Whatever version there is: what there is none of is not found anyway.
  if (sent === null || sent === "*") return etag;
  const tag = SENT.exec(sent)?.[1];
  if (tag === undefined)
    throw malformed("If-Match is no single etag in double quotes. Send it as it was given", "etag");
  const quoted = `"${tag}"`;
  if (etag !== "" && etag !== quoted) throw malformed("etag and If-Match differ. Send one of them", "etag");
  return quoted;
}

/** Answers with a resource, whose etag goes into the header as well. */
export function withEtag<Message extends { readonly etag?: string }>(
  responseHeader: Headers,
  message: Message,
): Message {
  if (message.etag !== undefined) responseHeader.set("ETag", message.etag);
  return message;
}

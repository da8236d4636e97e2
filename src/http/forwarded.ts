// Finds the caller behind trusted proxies, by a header that they write (docs/decisions/0009).

import { isIPv4, isIPv6 } from "node:net";
import type { ForwardedHeader } from "../core/limiter/addresses.ts";

/**
 * The address of the caller: the peer's, unless that is trusted; then the rightmost in the list that is not trusted. It
 * stops at an entry that is no address: a stranger may have written the entries left of it.
 * @param list every line of the header, joined with commas; asked for only once the peer is trusted
 */
export function findOrigin(
  peer: string,
  header: ForwardedHeader,
  list: () => string | undefined,
  isTrusted: (address: string) => boolean,
): string {
  let origin = peer;
  if (!isTrusted(origin)) return origin;
  let left = list();
  // From the right: only what trusted proxies have written is read, and one entry more.
  while (left !== undefined) {
    const comma = left.lastIndexOf(",");
    const entry = left.slice(comma + 1).trim();
    const address = header === "forwarded" ? readElement(entry) : readNode(entry);
    if (address === undefined) return origin;
    origin = address;
    if (!isTrusted(origin)) return origin;
    left = comma === -1 ? undefined : left.slice(0, comma);
  }
  return origin;
}

/** One `name=value`, or nothing, and what ends it (RFC 7239, section 4); unquoted values are taken as they come. */
const PAIR = /(?:([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";]*)))?[ \t]*(?:;[ \t]*|$)/y;

/** The address that an element's `for` names; undefined when it names none, or more than one, or is not well-formed. */
function readElement(element: string): string | undefined {
  let node: string | undefined;
  PAIR.lastIndex = 0;
  while (PAIR.lastIndex < element.length) {
    const match = PAIR.exec(element);
    if (match === null) return undefined;
    const [, name, quoted, plain = ""] = match;
    if (name?.toLowerCase() !== "for") continue;
    if (node !== undefined) return undefined;
    node = quoted?.replace(/\\(.)/g, "$1") ?? plain;
  }
  return node === undefined ? undefined : readNode(node);
}

/** An address, with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`. */
const NODE = /^(?:\[([\da-f:.]{2,45})\]|([\d.]{7,15}))(?::(?:\d{1,5}|_[\w.-]+))?$|^([\da-f:.]{2,45})$/i;

/** The address of a node (RFC 7239, section 6); undefined for `unknown`, for `_hidden`, and for all else. */
function readNode(node: string): string | undefined {
  const match = NODE.exec(node);
  const [, bracketed, ipv4, bare] = match ?? [];
  const address = bracketed ?? ipv4 ?? bare ?? "";
  const valid = isIPv6(address) || (bracketed === undefined && isIPv4(address));
  // Copied: a part of a header keeps the whole header in memory for as long as a limit remembers it.
  return valid ? Buffer.from(address, "latin1").toString("latin1") : undefined;
}

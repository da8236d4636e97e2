// Pages of lists: sizes, page tokens, and the etags of what is on them.

import { createHash } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { type Fields, readFilter } from "./filter.ts";
import { placeOfUnprintable } from "./names.ts";
import type { Page, Paged } from "./ports.ts";
import { strangePageToken } from "./refusals.ts";

/** A page as a caller asks for it. */
export interface ListRequest {
  /** 0: as many as usual. */
  readonly pageSize: number;
  /** Empty: from the start. */
  readonly pageToken: string;
  /** Empty: all. */
  readonly filter: string;
}

/** A page as a caller is given it. */
export interface Listing<Item> {
  readonly items: readonly Item[];
  /** Empty: this is the last. */
  readonly nextPageToken: string;
}

/** A list, by what its filters may name. */
export interface List {
  /** Its name, and whose it is: page tokens are good for it alone. */
  readonly name: string;
  readonly fields: Fields;
  /** Unix milliseconds, for lists with times. */
  readonly now?: number;
}

const USUAL_SIZE = 100;
/** The most items of a page; who asks for more is given so many (AIP-158). */
export const MAX_PAGE_SIZE = 1_000;
const SCOPE_BYTES = 8;

/**
 * Reads what a caller asks for, has it looked up, and makes the token of the next page. A token is good for the list and
 * filter it was made for, and nothing is kept of it.
 * @throws AuthError `malformed` for a size, token or filter that is none, and what `lookUp` throws
 */
export async function listPage<Item>(
  { name, fields, now = 0 }: List,
  request: ListRequest,
  lookUp: (page: Page) => Promise<Paged<Item>>,
): Promise<Listing<Item>> {
  // A token is good for the filter as it is written: a relative time moves on between two pages.
  const written = readFilter(request.filter, fields);
  const conditions = readFilter(request.filter, fields, now);
  const scope = createHash("sha256")
    .update(JSON.stringify([name, written]))
    .digest()
    .subarray(0, SCOPE_BYTES);
  const after = readPageToken(request.pageToken, scope);
  const { items, next } = await lookUp({ after, size: readPageSize(request.pageSize), conditions });
  return { items, nextPageToken: next === undefined ? "" : writePageToken(next, scope) };
}

function readPageSize(size: number): number {
  if (size < 0) throw malformed("page_size is negative", "page_size");
  return size === 0 ? USUAL_SIZE : Math.min(size, MAX_PAGE_SIZE);
}

function writePageToken(after: string, scope: Uint8Array): string {
  return Buffer.concat([scope, Buffer.from(after)]).toString("base64url");
}

function readPageToken(token: string, scope: Uint8Array): string {
  if (token === "") return "";
  const bytes = Buffer.from(token, "base64url");
  const after = bytes.subarray(SCOPE_BYTES).toString();
  if (after === "" || placeOfUnprintable(after) > 0 || bytes.toString("base64url") !== token) {
    throw strangePageToken();
  }
  if (bytes.subarray(0, SCOPE_BYTES).equals(scope)) return after;
  throw malformed("page_token is of another list or filter. Send the filter that it was given for", "page_token");
}

interface Version {
  readonly revision: number;
  readonly createdAt: number;
}

/** Names a version of a row, quoted as in HTTP (RFC 9110, 8.8.3). A row that was deleted and made anew has another. */
export function etagOf({ createdAt, revision }: Version): string {
  return `"${Buffer.from(`${createdAt}.${revision}`).toString("base64url")}"`;
}

/** @throws AuthError `etag_mismatch` unless `etag` is empty or names this version; `what` is in the message */
export function requireVersion(row: Version, etag: string, what: string): void {
  if (etag === "" || etag === etagOf(row)) return;
  throw new AuthError(
    "etag_mismatch",
    `this ${what} was changed after that etag was read. Read it again and decide anew`,
    { field: "etag" },
  );
}

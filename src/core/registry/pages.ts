// Pages of lists: sizes, page tokens, and etags of the items.

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

const USUAL_SIZE = 100;
/** The most items of a page; who asks for more is given so many (AIP-158). */
const MAX_PAGE_SIZE = 1_000;

/**
 * Reads what a caller asks for, has it looked up, and makes the token of the next page. `now` is for relative times of the filter,
 * in unix milliseconds.
 * @throws AuthError `malformed` for a wrong size, token or filter, and what `lookUp` throws
 */
export async function listPage<Item>(
  fields: Fields,
  { pageSize, pageToken, filter }: ListRequest,
  lookUp: (page: Page) => Promise<Paged<Item>>,
  now = 0,
): Promise<Listing<Item>> {
  const conditions = readFilter(filter, fields, now);
  if (pageSize < 0) throw malformed("page_size is negative", "page_size");
  const size = pageSize === 0 ? USUAL_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
  const { items, next } = await lookUp({ after: readPageToken(pageToken), size, conditions });
  return { items, nextPageToken: next === undefined ? "" : Buffer.from(next).toString("base64url") };
}

/** A page of a short list that was read whole. */
export function pageOf<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  { after, size }: Page,
): Paged<Item> {
  const start = after === "" ? 0 : items.findIndex((item) => nameOf(item) === after) + 1;
  if (after !== "" && start === 0) throw strangePageToken();
  const page = items.slice(start, start + size);
  const last = page.at(-1);
  return { items: page, next: start + size < items.length && last !== undefined ? nameOf(last) : undefined };
}

function readPageToken(token: string): string {
  const after = Buffer.from(token, "base64url").toString();
  const isOurs = placeOfUnprintable(after) === 0 && Buffer.from(after).toString("base64url") === token;
  if (!isOurs) throw strangePageToken();
  return after;
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

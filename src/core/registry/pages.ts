// Resources: their standard methods (AIP-130), pages (AIP-158), and etags.

import { AuthError, malformed } from "../errors.ts";
import { type Fields, readFilter } from "./filter.ts";
import { positionOfUnprintable } from "./names.ts";
import type { Actor, PageQuery, PageResult, Versioned } from "./ports.ts";

/** A caller's request for a page. */
export interface ListRequest {
  /** 0: the usual size. */
  readonly pageSize: number;
  /** Empty: from the start. */
  readonly pageToken: string;
  /** Empty: all. */
  readonly filter: string;
}

/** The answer to a ListRequest. */
export interface Listing<Item> {
  readonly items: readonly Item[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
}

/** The use cases on customers or devices. Each throws AuthError: `malformed`, or an error of the store. */
export interface Resources<Draft, Patch, Stored> {
  create(draft: Draft, actor: Actor): Promise<Stored>;
  get(name: string): Promise<Stored>;
  list(request: ListRequest): Promise<Listing<Stored>>;
  /** Unless `etag` is empty, only that version is changed. @throws AuthError `etag_mismatch` */
  update(name: string, patch: Patch, etag: string, actor: Actor): Promise<Stored>;
  delete(name: string, etag: string, actor: Actor): Promise<void>;
  /** Revokes the tokens of the device, or of the customer's devices. */
  revokeTokens(name: string, actor: Actor): Promise<Stored>;
}

const USUAL_SIZE = 100;
/** The most items of a page; a larger page_size is lowered to it. */
const MAX_PAGE_SIZE = 1_000;

/** Reads a request; `now` in unix milliseconds is for relative times of the filter. @throws AuthError `malformed` */
export function readPageQuery(fields: Fields, { pageSize, pageToken, filter }: ListRequest, now: number): PageQuery {
  const conditions = readFilter(filter, fields, now);
  if (pageSize < 0) throw malformed("page_size is negative", "page_size");
  const size = pageSize === 0 ? USUAL_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
  return { after: readPageToken(pageToken), size, conditions };
}

/** The page token of an `after`; empty if undefined. */
export function writePageToken(after: string | undefined): string {
  return Buffer.from(after ?? "").toString("base64url");
}

function readPageToken(token: string): string {
  const after = Buffer.from(token, "base64url").toString();
  if (positionOfUnprintable(after) === 0 && writePageToken(after) === token) return after;
  throw unknownPageToken();
}

/** Creates the error for a page token of another list or a made-up one. */
export function unknownPageToken(): AuthError {
  return malformed("page_token is not a token of this list", "page_token");
}

/** Reads a request, looks the page up and makes the token of the next page. @throws errors of readPageQuery and `lookUp` */
export async function listPage<Item>(
  fields: Fields,
  request: ListRequest,
  lookUp: (page: PageQuery) => Promise<PageResult<Item>>,
  now: number,
): Promise<Listing<Item>> {
  const { items, next } = await lookUp(readPageQuery(fields, request, now));
  return { items, nextPageToken: writePageToken(next) };
}

/** A page of a short list that is read whole and takes no filter. @throws AuthError `malformed` */
export function pageOf<Item>(
  items: readonly Item[],
  nameOf: (item: Item) => string,
  request: Omit<ListRequest, "filter">,
): Listing<Item> {
  const { after, size } = readPageQuery({}, { ...request, filter: "" }, 0);
  const start = after === "" ? 0 : items.findIndex((item) => nameOf(item) === after) + 1;
  if (after !== "" && start === 0) throw unknownPageToken();
  const page = items.slice(start, start + size);
  const last = start + size < items.length ? page.at(-1) : undefined;
  return { items: page, nextPageToken: writePageToken(last && nameOf(last)) };
}

/** The version of a row, quoted as in HTTP (RFC 9110, 8.8.3). A row that was deleted and created again has another version. */
export function etagOf({ createdAt, revision }: Pick<Versioned, "createdAt" | "revision">): string {
  return `"${Buffer.from(`${createdAt}.${revision}`).toString("base64url")}"`;
}

/** @throws AuthError `etag_mismatch` unless `etag` is empty or of this version; the message names the kind of `row` */
export function requireVersion(version: Pick<Versioned, "createdAt" | "revision">, etag: string, row: string): void {
  if (etag === "" || etag === etagOf(version)) return;
  throw new AuthError(
    "etag_mismatch",
    `this ${row} was changed after that etag was read. Read it again and decide anew`,
    { field: "etag" },
  );
}

// Lists: filters (a part of AIP-160) and pages (AIP-158).

import { type AuthError, malformed } from "../errors.ts";
import { parseDuration, readInstant } from "../limit-text.ts";
import { isLabelName, positionOfUnprintable } from "./names.ts";
import type { ComparisonOperator, Condition, PageQuery, PageResult } from "./ports.ts";

export interface ListRequest {
  /** 0: the usual size. */
  readonly pageSize: number;
  /** Empty: from the start. */
  readonly pageToken: string;
  /** Empty: all. */
  readonly filter: string;
}

export interface Listing<Item> {
  readonly items: readonly Item[];
  /** Empty: this is the last page. */
  readonly nextPageToken: string;
}

/** The type of a field's values; a list holds the allowed words. A `name` is text in the order of its bytes. */
export type FieldType = "text" | "name" | "time" | "boolean" | readonly string[];

/** The fields of a list. `labels` stands for each `labels.NAME`. */
export type Fields = Readonly<Record<string, FieldType>>;

const OPERATORS: readonly ComparisonOperator[] = ["=", "!=", "<", "<=", ">", ">="];
const MOST_CHARACTERS = 2_000;
const MOST_CONDITIONS = 20;
const LABEL = "labels.";

/** A comparison, then AND or the end. */
const CONDITION =
  /\s*([A-Za-z0-9_.-]+)\s*(!=|<=|>=|=|<|>)\s*(?:"((?:[^"\\]|\\["\\])*)"|([^\s"'()=!<>,;\\]+))\s*((?<=[\s"])AND\b|$)/iy;

/**
 * Reads a filter: `field op value`, joined by AND. Operators are = and !=, for times also < <= > >=. Values stand in double
 * quotes, where \" and \\ are a quote and a backslash, or bare where they have neither white space nor ()'"=!<>,;\ in them.
 * @throws AuthError `malformed`, field `filter`, naming the mistake and its position
 */
export function readFilter(text: string, fields: Fields, now: number): readonly Condition[] {
  if (text.length > MOST_CHARACTERS) {
    throw wrongFilter(`has ${text.length} characters. Send at most ${MOST_CHARACTERS}`);
  }
  const conditions: Condition[] = [];
  if (text.trim() === "") return conditions;
  for (let at = 0; ; at = CONDITION.lastIndex) {
    if (conditions.length === MOST_CONDITIONS) throw wrongFilter(`has more than ${MOST_CONDITIONS} comparisons`);
    CONDITION.lastIndex = at;
    const [, field = "", symbol, quoted, bare = "", joint] = CONDITION.exec(text) ?? [];
    const position = at + 1 + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    const operator = OPERATORS.find((candidate) => candidate === symbol);
    if (operator === undefined) {
      const cure = "Write field operator value and AND between comparisons";
      throw wrongFilter(`cannot be read at position ${position}. ${cure}`);
    }
    const type = typeOf(field, fields, position);
    if (type !== "time" && type !== "name" && operator !== "=" && operator !== "!=") {
      throw wrongFilter(`compares by order at position ${position}. Only times and device_key can be ordered`);
    }
    const word = quoted?.replace(/\\(.)/g, "$1") ?? bare;
    if (positionOfUnprintable(word) > 0)
      throw wrongFilter(`has a control character in the value at position ${position}`);
    const value = readValue(word, field, type, now);
    if (value === undefined) throw wrongFilter(`has a value at position ${position} that is not ${describe(type)}`);
    conditions.push({ field, operator, value });
    if (joint === "") return conditions;
  }
}

function typeOf(field: string, fields: Fields, position: number): FieldType {
  const isLabel = field.startsWith(LABEL) && isLabelName(field.slice(LABEL.length));
  const name = isLabel ? "labels" : field === "labels" ? "" : field;
  const type = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (type !== undefined) return type;
  const names = Object.keys(fields).map((one) => (one === "labels" ? `${LABEL}NAME` : one));
  throw wrongFilter(`has no field of this list at position ${position}. The fields are ${names.join(" ")}`);
}

function describe(type: FieldType): string {
  if (type === "time") return "a time of RFC 3339 or a span before now such as -30d";
  return type === "boolean" ? "true or false" : [type].flat().join(" or ");
}

/** Reads a value. Words may have the command line's spelling, `disabled`, or the contract's, `STATUS_DISABLED`. */
function readValue(text: string, field: string, type: FieldType, now: number): string | number | boolean | undefined {
  if (type === "text" || type === "name") return text;
  if (type === "boolean") return text === "true" ? true : text === "false" ? false : undefined;
  if (type !== "time") return type.find((word) => word === text || `${field}_${word}`.toUpperCase() === text);
  const ago = text.startsWith("-") ? parseDuration(text.slice(1)) : Number.NaN;
  return Number.isNaN(ago) ? readInstant(text) : now - ago;
}

function wrongFilter(what: string): AuthError {
  return malformed(`filter ${what}`, "filter");
}

const USUAL_SIZE = 100;
/** The most items of a page; a larger page_size is lowered to it. */
const MAX_PAGE_SIZE = 1_000;

/** Reads a request; `now` in Unix milliseconds is for relative times of the filter. @throws AuthError `malformed` */
export function readPageQuery(fields: Fields, { pageSize, pageToken, filter }: ListRequest, now: number): PageQuery {
  const conditions = readFilter(filter, fields, now);
  if (pageSize < 0) throw malformed("page_size is negative", "page_size");
  const size = pageSize === 0 ? USUAL_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
  return { after: readPageToken(pageToken), size, conditions };
}

/** The page token of an `after`; empty if that is undefined. */
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

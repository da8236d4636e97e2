// Filters of lists: comparisons joined by AND, a part of AIP-160.

import { type AuthError, malformed } from "../errors.ts";
import { parseDuration, readInstant } from "../limit-text.ts";
import { isLabelName, positionOfUnprintable } from "./names.ts";

const OPERATORS = ["=", "!=", "<", "<=", ">", ">="] as const;
export type ComparisonOperator = (typeof OPERATORS)[number];

/** One comparison, its value of the field's type; times in unix milliseconds. */
export interface Condition {
  /** In the callers' spelling: `customer_id`; `labels.site` for a label. */
  readonly field: string;
  readonly operator: ComparisonOperator;
  readonly value: string | number | boolean;
}

/** The type of a field's values. A list has the allowed words. A `name` is a text that is ordered by its bytes. */
export type FieldType = "text" | "name" | "time" | "boolean" | readonly string[];

/** The fields of a list. `labels` stands for each `labels.NAME`. */
export type Fields = Readonly<Record<string, FieldType>>;

const MOST_CHARACTERS = 2_000;
const MOST_CONDITIONS = 20;
const LABEL = "labels.";

/** A comparison, then AND or the end. */
const CONDITION =
  /\s*([A-Za-z0-9_.-]+)\s*(!=|<=|>=|=|<|>)\s*(?:"((?:[^"\\]|\\["\\])*)"|([^\s"'()=!<>,;\\]+))\s*((?<=[\s"])AND\b|$)/iy;

/**
 * Reads a filter: `field op value`, joined by AND. Operators are = and !=, for times < <= > >= too. Values stand in double
 * quotes, where \" and \\ are a quote and a backslash, or bare where they have neither white space nor ()'"=!<>,;\ in them.
 * @throws AuthError `malformed`, field `filter`, naming the mistake and its position
 */
export function readFilter(text: string, fields: Fields, now: number): readonly Condition[] {
  if (text.length > MOST_CHARACTERS) {
    throw wrong(`filter has ${text.length} characters. It has at most ${MOST_CHARACTERS}`);
  }
  const conditions: Condition[] = [];
  if (text.trim() === "") return conditions;
  for (let at = 0; ; at = CONDITION.lastIndex) {
    if (conditions.length === MOST_CONDITIONS) throw wrong(`filter has more than ${MOST_CONDITIONS} comparisons`);
    CONDITION.lastIndex = at;
    const [, field = "", symbol, quoted, bare = "", joint] = CONDITION.exec(text) ?? [];
    const position = at + 1 + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0);
    const operator = OPERATORS.find((candidate) => candidate === symbol);
    if (operator === undefined) {
      throw wrong(
        `filter cannot be read at position ${position}. Write field operator value and AND between comparisons`,
      );
    }
    const type = typeOf(field, fields, position);
    if (type !== "time" && type !== "name" && operator !== "=" && operator !== "!=") {
      throw wrong(`filter asks for an order at position ${position}. Only times and device_key have one`);
    }
    const word = quoted?.replace(/\\(.)/g, "$1") ?? bare;
    if (positionOfUnprintable(word) > 0)
      throw wrong(`filter has a control character in the value at position ${position}`);
    const value = readValue(word, field, type, now);
    if (value === undefined) throw wrong(`filter has a value at position ${position} that is not ${describe(type)}`);
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
  throw wrong(`filter has no field of this list at position ${position}. There are ${names.join(" ")}`);
}

function describe(type: FieldType): string {
  if (type === "time") return "a time as in RFC 3339 or before now as in -30d";
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

function wrong(message: string): AuthError {
  return malformed(message, "filter");
}

// Filters of lists: comparisons joined by AND, a part of AIP-160. Knows no list and no database.

import { type AuthError, malformed } from "../errors.ts";
import { readFilterValue } from "./filter-values.ts";
import { isLabelName } from "./labels.ts";
import { placeOfUnprintable } from "./names.ts";

export type Operator = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** One comparison, its value of the field's type; times in unix milliseconds. */
export interface Condition {
  /** As callers spell it: `customer_id`; `labels.site` for a label. */
  readonly field: string;
  readonly operator: Operator;
  readonly value: string | number | boolean;
}

/** What a field is compared with; a list: one of these words. */
export type FieldType = "text" | "time" | "boolean" | readonly string[];

/** The fields of a list. `labels` stands for each `labels.NAME`. */
export type Fields = Readonly<Record<string, FieldType>>;

const MOST_CHARACTERS = 2_000;
const MOST_CONDITIONS = 20;
const LABELS = "labels";
const LABEL = `${LABELS}.`;

/** Each matches at one place or not at all, and never the empty text but for SPACE. */
const SPACE = /[ \t\r\n]*/y;
const WORD = /[A-Za-z0-9_.-]+/y;
const OPERATOR = /!=|<=|>=|=|<|>/y;
const QUOTED = /"(?:[^"\\]|\\.)*"/sy;
const BARE = /[^\s"'()=!<>,;\\]+/y;

/**
 * Reads a filter: `field op value`, joined by AND. Operators are = and !=, for times < <= > >= too. Values stand in double
 * quotes, where \" and \\ are a quote and a backslash, or bare where they have neither white space nor ()'"=!<>,;\ in them.
 * @throws AuthError `malformed`, field `filter`, naming the mistake and its place
 */
export function readFilter(text: string, fields: Fields): readonly Condition[] {
  if (text.length > MOST_CHARACTERS) {
    throw wrong(`filter has ${text.length} characters. It has at most ${MOST_CHARACTERS}`);
  }
  const conditions: Condition[] = [];
  const words = createWords(text);
  while (!words.atEnd() || conditions.length > 0) {
    if (conditions.length === MOST_CONDITIONS) throw wrong(`filter has more than ${MOST_CONDITIONS} comparisons`);
    conditions.push(readCondition(words, fields));
    if (words.atEnd()) break;
    readAnd(words);
  }
  return conditions;
}

interface Words {
  /** Whether nothing but space is left. */
  atEnd(): boolean;
  /** The place of what comes next, from 1. */
  place(): number;
  /** What comes next, if it looks so; undefined: it does not, and is still to come. */
  take(pattern: RegExp): string | undefined;
}

function createWords(text: string): Words {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const skip = (): void => void take(SPACE);
  skip();
  return {
    atEnd: () => at === text.length,
    place: () => at + 1,
    take(pattern) {
      const found = take(pattern);
      skip();
      return found;
    },
  };
}

function readAnd(words: Words): void {
  const place = words.place();
  const joint = words.take(WORD)?.toUpperCase();
  if (joint === "OR") throw wrong(`filter has OR at place ${place}. Comparisons are joined by AND alone`);
  if (joint !== "AND") throw wrong(`filter has no AND at place ${place}. Values with spaces stand in double quotes`);
}

function readCondition(words: Words, fields: Fields): Condition {
  const place = words.place();
  const field = words.take(WORD);
  if (field === undefined) {
    throw wrong(
      words.atEnd()
        ? "filter ends where a field should be"
        : `filter has no field at place ${place}. It has no brackets and compares fields with values`,
    );
  }
  if (field.toUpperCase() === "NOT")
    throw wrong(`filter has NOT at place ${place}. Compare for not equal in its place`);
  const type = typeOf(field, fields);
  if (type === undefined) {
    const names = Object.keys(fields).map((name) => (name === LABELS ? `${LABEL}NAME` : name));
    throw wrong(
      names.length === 0
        ? "this list has no filter. Leave it out"
        : `filter has no field of this list at place ${place}. There are ${names.join(" ")}`,
    );
  }
  const operatorPlace = words.place();
  const operator = readOperator(words);
  if (type !== "time" && operator !== "=" && operator !== "!=") {
    throw wrong(`filter asks for an order at place ${operatorPlace}. Only times have one`);
  }
  const valuePlace = words.place();
  return { field, operator, value: readFilterValue(takeValue(words), field, type, valuePlace) };
}

function typeOf(field: string, fields: Fields): FieldType | undefined {
  if (field.startsWith(LABEL)) {
    return Object.hasOwn(fields, LABELS) && isLabelName(field.slice(LABEL.length)) ? "text" : undefined;
  }
  return field !== LABELS && Object.hasOwn(fields, field) ? fields[field] : undefined;
}

const OPERATORS: readonly Operator[] = ["=", "!=", "<", "<=", ">", ">="];

function readOperator(words: Words): Operator {
  const place = words.place();
  const found = words.take(OPERATOR);
  const operator = OPERATORS.find((candidate) => candidate === found);
  if (operator === undefined) throw wrong(`filter has no operator at place ${place}`);
  return operator;
}

function takeValue(words: Words): string {
  const place = words.place();
  const quoted = words.take(QUOTED);
  const value = quoted === undefined ? words.take(BARE) : unquote(quoted, place);
  if (value === undefined) {
    throw wrong(
      words.atEnd()
        ? "filter ends where a value should be"
        : `filter has no value at place ${place}. Write it in double quotes and close them`,
    );
  }
  if (placeOfUnprintable(value) > 0) throw wrong(`filter has a control character in the value at place ${place}`);
  return value;
}

function unquote(quoted: string, place: number): string {
  return quoted.slice(1, -1).replace(/\\(.)/gs, (_, escaped: string) => {
    if (escaped === '"' || escaped === "\\") return escaped;
    throw wrong(`filter has a backslash before neither quote nor backslash in the value at place ${place}`);
  });
}

function wrong(message: string): AuthError {
  return malformed(message, "filter");
}

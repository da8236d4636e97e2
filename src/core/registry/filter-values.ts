// What stands on the right of a filter's comparison, by the type of the field. Knows no list and no database.

import { malformed } from "../errors.ts";
import type { FieldType } from "./filter.ts";

/** RFC 3339, section 5.6; a leap second is none that unix time has. */
const TIME = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:[0-5]\d)(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Reads a value as the type of its field: times as unix milliseconds, words in small letters.
 * @throws AuthError `malformed`, field `filter`, naming the mistake and its place
 */
export function readFilterValue(
  text: string,
  field: string,
  type: FieldType,
  place: number,
): string | number | boolean {
  if (type === "text") return text;
  const [value, wanted] =
    type === "time"
      ? ([readTime(text), "a time as in RFC 3339"] as const)
      : type === "boolean"
        ? ([readBoolean(text), "true or false"] as const)
        : ([readWord(text, field, type), type.join(" or ")] as const);
  if (value !== undefined) return value;
  throw malformed(`filter has a value at place ${place} that is not ${wanted}`, "filter");
}

function readTime(text: string): number | undefined {
  const [, day, time, fraction = "", zone] = TIME.exec(text) ?? [];
  if (day === undefined || time === undefined || zone === undefined) return undefined;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // A day that its month does not have is read as one of the next.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const at = Date.parse(`${day}T${time}${fraction}${zone.toUpperCase()}`);
  return Number.isNaN(at) ? undefined : at;
}

function readBoolean(text: string): boolean | undefined {
  return text === "true" ? true : text === "false" ? false : undefined;
}

/** In either spelling: `disabled` as in the command line, `STATUS_DISABLED` as in the contract. */
function readWord(text: string, field: string, words: readonly string[]): string | undefined {
  return words.find((word) => word === text || `${field}_${word}`.toUpperCase() === text);
}

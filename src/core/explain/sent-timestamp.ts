// A timestamp as a device wrote it: what time it means, whichever way it is written. Knows no clock.

import { AuthError } from "../errors.ts";
import { readTimestamp } from "../freshness.ts";
import { type Finding, finding } from "./findings.ts";

/** The units that are finer than seconds, by the digits that the time has in them. */
export type FinerUnit = "milliseconds" | "microseconds" | "nanoseconds";

export interface SentTimestamp {
  /** As it stands in the body, without quotes. */
  readonly text: string;
  /** Whole seconds, rounded down; undefined where no time can be made out. */
  readonly seconds: number | undefined;
  /** Undefined: seconds, or none that can be told. */
  readonly unit: FinerUnit | undefined;
  /** Undefined: nothing is wrong with its form. */
  readonly mistake: Finding | undefined;
}

const UNITS: Readonly<Record<number, FinerUnit>> = { 13: "milliseconds", 16: "microseconds", 19: "nanoseconds" };
const NUMBER = /^[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/;
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
const LONGEST = 64;

/** Reads the text of a timestamp; `accepted` is what the gateway's own reader made of it, if it did. */
export function readSentTimestamp(text: string, accepted: bigint | undefined): SentTimestamp {
  if (accepted !== undefined) return ofNumber(text, Number(accepted), accepted, false);
  if (text.length <= LONGEST && NUMBER.test(text)) {
    const number = Number(text);
    const whole = Number.isFinite(number) ? BigInt(Math.floor(number)) : undefined;
    return ofNumber(text, number, whole, text.includes(".") && !Number.isInteger(number));
  }
  const date = text.length <= LONGEST ? DATE.exec(text) : null;
  if (date !== null) {
    // Without a zone it would be read as the gateway's local time.
    const zoned = date[1] === undefined && text.length > 10 ? `${text}Z` : text;
    const ms = Date.parse(zoned.replace(" ", "T"));
    if (!Number.isNaN(ms)) {
      return { text, seconds: Math.floor(ms / 1000), unit: undefined, mistake: finding("date_string") };
    }
  }
  const mistake = finding("timestamp_shape", "timestamp is no number. Send the Unix time in whole seconds");
  return { text, seconds: undefined, unit: undefined, mistake };
}

function ofNumber(text: string, number: number, whole: bigint | undefined, fraction: boolean): SentTimestamp {
  const digits = whole === undefined || whole < 0n ? 0 : whole.toString().length;
  const unit = UNITS[digits];
  if (unit !== undefined) {
    const seconds = Math.floor(number / 10 ** (digits - 10));
    return { text, seconds, unit, mistake: finding(unit) };
  }
  const seconds = digits >= 1 && digits <= 10 ? Number(whole) : undefined;
  if (fraction && seconds !== undefined) return { text, seconds, unit, mistake: finding("fraction") };
  return { text, seconds, unit, mistake: shapeOf(text, whole) };
}

/** What the login's own reader has to say. */
function shapeOf(text: string, whole: bigint | undefined): Finding | undefined {
  try {
    if (whole !== undefined) readTimestamp(whole);
  } catch (error) {
    if (error instanceof AuthError) return finding("timestamp_shape", error.message);
    throw error;
  }
  return whole === undefined || /^[+]|^-?0\d/.test(text)
    ? finding("timestamp_shape", "timestamp has a sign or leading zeros. Send decimal digits alone")
    : undefined;
}

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
const NUMBER = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;
const DATE = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;
/** Longer numbers are not written out. */
const MOST_DIGITS = 64;

/** Reads the text of a timestamp; `accepted` is what the gateway's own reader made of it, if it did. */
export function readSentTimestamp(text: string, accepted: bigint | undefined): SentTimestamp {
  if (accepted !== undefined) return ofNumber(text, { whole: accepted, fraction: false });
  const trimmed = text.trim();
  const number = NUMBER.exec(trimmed);
  const read = number === null ? readDate(text, trimmed) : ofNumber(text, readDecimal(number));
  if (read === undefined) {
    return {
      text,
      seconds: undefined,
      unit: undefined,
      mistake: shape("is no number. Send the Unix time in whole seconds"),
    };
  }
  if (trimmed === text) return read;
  return { ...read, mistake: read.mistake ?? shape("has white space around it. Send decimal digits alone") };
}

function shape(what: string): Finding {
  return finding("timestamp_shape", `timestamp ${what}`);
}

function readDate(text: string, trimmed: string): SentTimestamp | undefined {
  const date = DATE.exec(trimmed);
  if (date === null) return undefined;
  // Without a zone it would be read as the gateway's local time.
  const zoned = date[1] === undefined && trimmed.length > 10 ? `${trimmed}Z` : trimmed;
  const ms = Date.parse(zoned.replace(" ", "T"));
  if (Number.isNaN(ms)) return undefined;
  return { text, seconds: Math.floor(ms / 1000), unit: undefined, mistake: finding("date_string") };
}

interface Decimal {
  /** Undefined: it has too many digits to be written out. */
  readonly whole: bigint | undefined;
  /** It is no whole number. */
  readonly fraction: boolean;
}

/** To the digit: as a double a number of twenty nines has 21. */
function readDecimal([, sign, whole = "", fraction = "", exponent = "0"]: RegExpExecArray): Decimal {
  const digits = `${whole}${fraction}`;
  const point = whole.length + Number(exponent);
  if (point > MOST_DIGITS) return { whole: undefined, fraction: false };
  const before = digits.slice(0, Math.max(0, point)).padEnd(point, "0");
  const magnitude = BigInt(before);
  return {
    whole: sign === "-" ? -magnitude : magnitude,
    fraction: /[1-9]/.test(digits.slice(Math.max(0, point))),
  };
}

function ofNumber(text: string, { whole, fraction }: Decimal): SentTimestamp {
  const digits = whole === undefined || whole < 0n ? 0 : whole.toString().length;
  const unit = UNITS[digits];
  if (whole !== undefined && unit !== undefined) {
    const seconds = Number(whole / 10n ** BigInt(digits - 10));
    return { text, seconds, unit, mistake: finding(unit) };
  }
  const seconds = digits >= 1 && digits <= 10 ? Number(whole) : undefined;
  if (fraction && seconds !== undefined) return { text, seconds, unit, mistake: finding("fraction") };
  return { text, seconds, unit, mistake: shapeOf(text.trim(), whole) };
}

/** What the login's own reader has to say. */
function shapeOf(text: string, whole: bigint | undefined): Finding | undefined {
  if (whole === undefined) return shape("is out of range. Unix time in whole seconds has at most 10 digits");
  try {
    readTimestamp(whole);
  } catch (error) {
    if (error instanceof AuthError) return finding("timestamp_shape", error.message);
    throw error;
  }
  return /^[+]|^-?0\d/.test(text) ? shape("has a sign or leading zeros. Send decimal digits alone") : undefined;
}

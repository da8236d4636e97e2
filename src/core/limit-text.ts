// Durations, limits and times as text. An error's message is the end of a sentence.

import type { Policy, PolicyName } from "./ports.ts";

/** A window is counted in microseconds of 32 bits. */
const LONGEST_WINDOW_MS = 3_600_000;

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a number with `ms`, `s`, `m`, `h` or `d`, in milliseconds; NaN for another text. */
export function parseDuration(text: string): number {
  const [, number, unit = ""] = /^(\d{1,9})([a-z]+)$/.exec(text) ?? [];
  return Number(number) * (UNITS[unit] ?? Number.NaN);
}

/** Writes a limit in the form that readLimit reads. */
export function writeLimit({ limit, windowMs }: Policy): string {
  return `${limit}/${windowMs % 1_000 === 0 ? `${windowMs / 1_000}s` : `${windowMs}ms`}`;
}

/** Reads `count/window`; undefined for `off`. */
export function readLimit(name: PolicyName, text: string): Policy | undefined {
  if (text === "off") return undefined;
  const [, count, window = ""] = /^(\d{1,9})\/(\w+)$/.exec(text) ?? [];
  if (count === undefined || Number(count) === 0) throw new Error("is not a limit. Write count/window or off: 10/60s");
  const windowMs = parseDuration(window);
  if (windowMs >= 1 && windowMs <= LONGEST_WINDOW_MS) return { name, limit: Number(count), windowMs };
  throw new Error("needs a window of at most 1h, as a number and ms, s, m or h: 10/60s");
}

/** RFC 3339, section 5.6. */
const TIME = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2}))$/;

/** A time of RFC 3339 in Unix milliseconds; undefined for another text. */
export function readInstant(text: string): number | undefined {
  const [, day = "", time = ""] = TIME.exec(text.toUpperCase()) ?? [];
  const midnight = Date.parse(`${day}T00:00:00Z`);
  // Date.parse takes February 30 for a day of March.
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) return undefined;
  const at = Date.parse(`${day}T${time}`);
  return Number.isNaN(at) ? undefined : at;
}

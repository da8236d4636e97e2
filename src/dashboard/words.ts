// Values of the contract in words: times, states, reasons.

import type { DescEnum } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs, timestampMs } from "@bufbuild/protobuf/wkt";

export type Tone = "good" | "bad" | "warn" | "quiet";

const GOOD = ["enabled", "live", "active", "valid", "ok"];
const WARN = ["pending", "next", "degraded"];
const BAD = ["disabled", "revoked", "unavailable"];

export function toneOf(state: string): Tone {
  if (GOOD.includes(state)) return "good";
  if (WARN.includes(state)) return "warn";
  return BAD.includes(state) ? "bad" : "quiet";
}

/** The name of an enum's value, as in "active". */
export function enumText(schema: DescEnum, value: number): string {
  return schema.value[value]?.localName.toLowerCase() ?? "unknown";
}

/** The reasons of a refused login, in words for operators. */
const REASONS: Readonly<Record<string, string>> = {
  ok: "admitted",
  clock_skew: "clock is wrong",
  invalid_credentials: "wrong signature or key",
  disabled: "disabled",
  rate_limited: "too many logins",
  replayed: "proof used before",
  malformed: "malformed request",
  unavailable: "gateway unavailable",
  internal: "bug of the gateway",
};

export function reasonText(reason: string): string {
  return REASONS[reason] ?? reason.replaceAll("_", " ");
}

export function timeMs(time: Timestamp | undefined): number | undefined {
  return time === undefined ? undefined : timestampMs(time);
}

const DAY_MS = 86_400_000;

/** The time after a number of days, which a form field has as text. */
export function inDays(days: string): Timestamp {
  return timestampFromMs(Date.now() + Number(days) * DAY_MS);
}

const RELATIVE = new Intl.RelativeTimeFormat("en");
const UNITS = [
  ["day", DAY_MS],
  ["hour", 3_600_000],
  ["minute", 60_000],
] as const;

/** A time relative to now, in the largest unit that fits. */
export function relativeTime(ms: number): string {
  const distance = ms - Date.now();
  for (const [unit, length] of UNITS) {
    if (Math.abs(distance) >= length) return RELATIVE.format(Math.round(distance / length), unit);
  }
  return distance > 0 ? "in a moment" : "just now";
}

export function numberText(value: number): string {
  return value.toLocaleString("en");
}

/** A count with its noun: "1 device", "2 devices". */
export function countText(count: number, noun: string): string {
  return `${numberText(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** A message as a sentence of its own; the name of a field keeps its letters. */
export function sentence(text: string): string {
  const start = text.replace(/^[a-z]+(?=[ ,])/, (word) => word.charAt(0).toUpperCase() + word.slice(1));
  return /[.!?]$/.test(start) ? start : `${start}.`;
}

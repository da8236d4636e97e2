// Distance of a device's clock from the gateway's, in words.

import { type Finding, finding } from "./findings.ts";

/** No correct clock reads a time before September 2001. */
const NEVER_SET_UNTIL = 1_000_000_000;
const HALF_HOUR = 1_800;
const FARTHEST_ZONE = 14 * 3_600;
/** Error of a clock that is right apart from its time zone, in seconds. */
const ZONE_TOLERANCE = 60;

/** Explains a timestamp (unix seconds) that arrived at `at` (unix milliseconds); empty within `skewMs`. */
export function explainClock(seconds: number, at: number, skewMs: number): readonly Finding[] {
  const off = seconds - at / 1000;
  if (Math.abs(off) * 1000 <= skewMs) return [];
  if (seconds < NEVER_SET_UNTIL) return [finding("clock_never_set", new Date(seconds * 1000).getUTCFullYear())];
  const zone = Math.round(off / HALF_HOUR) * HALF_HOUR;
  const isZone = zone !== 0 && Math.abs(zone) <= FARTHEST_ZONE && Math.abs(off - zone) <= ZONE_TOLERANCE;
  if (isZone) return [finding("time_zone", inWords(zone))];
  return [finding(off < 0 ? "clock_behind" : "clock_ahead", inWords(off))];
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400, "days"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** A span in its two largest units, as in `2 h 13 min`; takes seconds and drops the sign. */
export function inWords(seconds: number): string {
  let rest = Math.round(Math.abs(seconds));
  const parts: string[] = [];
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

// How far a device's clock was off, and what that looks like. Reads no clock itself.

import { inWords } from "./durations.ts";
import { type Finding, finding } from "./findings.ts";

/** Clocks that were never set start in 1970, 1980 or 2000; none is right before September 2001. */
const NEVER_SET_UNTIL = 1_000_000_000;
/** Time zones lie whole half hours from UTC, or these. In minutes. */
const ODD_ZONES: readonly number[] = [345, 525, 765];
const MOST_MINUTES = 14 * 60;
/** A clock that is right but for its zone is not off by more. In seconds. */
const ZONE_TOLERANCE = 60;

/**
 * What is wrong with a time, in unix seconds, that was received at `at`, in unix milliseconds; undefined within `skewMs`.
 * `atIsNow`: nobody said when it was received.
 */
export function explainClock(seconds: number, at: number, skewMs: number, atIsNow: boolean): Finding | undefined {
  const offMs = seconds * 1000 - at;
  if (Math.abs(offMs) <= skewMs) return undefined;
  const off = offMs / 1000;
  if (seconds < NEVER_SET_UNTIL) return finding("clock_never_set", new Date(seconds * 1000).getUTCFullYear());
  const zone = zoneOf(off);
  if (zone !== undefined) return finding("time_zone", inWords(zone), off < 0 ? "behind" : "ahead of");
  if (off > 0) return finding("clock_ahead", inWords(off));
  return finding("clock_behind", inWords(off), atIsNow ? ". If it was received earlier then say when" : "");
}

/** The offset of the time zone that a difference amounts to, in seconds without a sign. */
function zoneOf(off: number): number | undefined {
  const span = Math.abs(off);
  const minutes = Math.round(span / 1_800) * 30;
  const candidates = [minutes, ...ODD_ZONES].filter((candidate) => candidate > 0 && candidate <= MOST_MINUTES);
  const zone = candidates.find((candidate) => Math.abs(candidate * 60 - span) <= ZONE_TOLERANCE);
  return zone === undefined ? undefined : zone * 60;
}

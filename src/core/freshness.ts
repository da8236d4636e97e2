// A login's timestamp: its shape, and whether it is near enough to now.

import { AuthError, malformed } from "./errors.ts";

const FIELD = "timestamp";
const LARGEST = 9_999_999_999n;

/**
 * Reads a `timestamp`: Unix time in whole seconds, not negative, at most ten digits.
 * @throws AuthError `malformed`, naming the mistake and its cure
 */
export function readTimestamp(timestamp: bigint | undefined): number {
  if (timestamp === undefined) throw malformed("timestamp is missing. Send the Unix time in whole seconds", FIELD);
  if (timestamp < 0n) throw malformed("timestamp is negative. Send the Unix time in whole seconds", FIELD);
  if (timestamp <= LARGEST) return Number(timestamp);
  const digits = timestamp.toString().length;
  const unit = digits === 13 ? "milliseconds" : digits === 16 ? "microseconds" : digits === 19 ? "nanoseconds" : "";
  throw malformed(
    unit === ""
      ? `timestamp has ${digits} digits. Unix time in whole seconds has at most 10`
      : `timestamp is in ${unit}. Send whole seconds and sign those`,
    FIELD,
  );
}

/**
 * Refuses a timestamp further than `skewMs` from `now`; one exactly that far is fresh.
 * @throws AuthError `clock_skew` with the gateway's time, from which a board can set its clock
 */
export function checkFresh(timestamp: number, now: number, skewMs: number, name = FIELD): void {
  const offMs = timestamp * 1000 - now;
  if (Math.abs(offMs) <= skewMs) return;
  const seconds = Math.round(Math.abs(offMs) / 1000);
  throw new AuthError(
    "clock_skew",
    `${name} is ${seconds} seconds ${offMs > 0 ? "ahead of" : "behind"} the server. Set the clock from server_time and sign again`,
    { serverTime: Math.floor(now / 1000) },
  );
}

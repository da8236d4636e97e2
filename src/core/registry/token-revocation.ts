// Until when tokens are taken back. Knows no device and no token.

import { CLOCKS_APART_MS } from "../ports.ts";

/**
 * Tokens that were issued before this are taken back, in unix milliseconds: those of the millisecond `now` are among them. Whoever
 * logs in during what is left of it is given a token of the next.
 * @param before what counts already; when it is further ahead than clocks are, it was set by a wrong one and gives way
 */
export function revokedUntil(before: number, now: number): number {
  const latest = now + CLOCKS_APART_MS;
  if (before <= now || before > latest) return now + 1;
  return Math.min(before + 1, latest);
}

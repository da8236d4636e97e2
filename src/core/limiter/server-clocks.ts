// The clocks of the servers that slots are on, as far as their answers tell. Knows no server.

import { LARGEST_DELAY } from "./store-clock.ts";

export interface ServerClocks {
  /** The server of a slot said that it was `at` (microseconds) when it answered. */
  learn(slot: number, at: number): void;
  /** What its clock will say in so many milliseconds; 0 when it never said anything. */
  predict(slot: number, inMs: number): number;
}

const SLOTS = 16_384;
/** An answer has its way to go: a clock is a little further than the last one told. */
const WAY_US = 5_000;

/** Clocks of which nothing is known. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createServerClocks(elapsed: () => number): ServerClocks {
  // What each clock is ahead of ours; the servers of a Cluster have one each.
  const ahead = new Float64Array(SLOTS).fill(Number.NEGATIVE_INFINITY);
  return {
    learn(slot, at) {
      const seen = at - elapsed() * 1000;
      const known = ahead[slot] ?? Number.NEGATIVE_INFINITY;
      if (seen > known || seen < known - LARGEST_DELAY) ahead[slot] = seen;
    },
    predict(slot, inMs) {
      const known = ahead[slot] ?? Number.NEGATIVE_INFINITY;
      return known === Number.NEGATIVE_INFINITY ? 0 : Math.round(known + (elapsed() + inMs) * 1000 + WAY_US);
    },
  };
}

// The clocks of the servers that slots are on, as far as their answers tell. Knows no server.

import { type ClockEstimate, createClockEstimate } from "./clock-estimate.ts";

export interface ServerClocks {
  /** The server of a slot said that it was `at` (microseconds) when it answered. */
  learn(slot: number, at: number): void;
  /** What its clock will say in so many milliseconds, or that of any other server; 0 when none ever said anything. */
  predict(slot: number, inMs: number): number;
}

/** Clocks of which nothing is known. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createServerClocks(elapsed: () => number): ServerClocks {
  // One a slot, since slots move; at most as many as a Cluster has.
  const clocks = new Map<number, ClockEstimate>();
  // A slot that was never asked is on a server that was, as a rule.
  const any = createClockEstimate(elapsed);

  return {
    learn(slot, at) {
      let clock = clocks.get(slot);
      if (clock === undefined) {
        clock = createClockEstimate(elapsed);
        clocks.set(slot, clock);
      }
      clock.learn(at);
      any.learn(at);
    },
    predict(slot, inMs) {
      const now = clocks.get(slot)?.read() ?? any.read();
      return now === undefined ? 0 : Math.round(now + inMs * 1000);
    },
  };
}

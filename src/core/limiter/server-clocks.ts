// The clocks of the servers that slots are on, as far as their answers tell. Knows no server.

import { type ClockEstimate, createClockEstimate } from "./clock-estimate.ts";

export interface ServerClocks {
  /** The server of a slot said that it was `at` (microseconds) when it answered. */
  learn(slot: number, at: number): void;
  /**
   * What its clock, or that of any other server, will say in so many milliseconds: in whole tenths of a second, rounded down,
   * as text; "0" when none ever said anything.
   */
  tellDue(slot: number, inMs: number): string;
}

/** Microseconds that a due time is told in: coarse, so that many commands have the same, and it need not be written out anew. */
export const DUE_UNIT = 100_000;

/** Clocks of which nothing is known. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createServerClocks(elapsed: () => number): ServerClocks {
  // One a slot, since slots move; at most as many as a Cluster has.
  const clocks = new Map<number, ClockEstimate>();
  // A slot that was never asked is on a server that was, as a rule.
  let latest: ClockEstimate | undefined;
  let due = 0;
  let text = "0";

  return {
    learn(slot, at) {
      let clock = clocks.get(slot);
      if (clock === undefined) {
        clock = createClockEstimate(elapsed);
        clocks.set(slot, clock);
      }
      clock.learn(at);
      latest = clock;
    },
    tellDue(slot, inMs) {
      const now = (clocks.get(slot) ?? latest)?.read();
      const next = now === undefined ? 0 : Math.floor((now + inMs * 1000) / DUE_UNIT);
      if (next !== due) {
        due = next;
        text = String(next);
      }
      return text;
    },
  };
}

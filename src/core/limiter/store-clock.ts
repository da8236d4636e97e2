// The store's clock as it is known here: it goes on by our own, which does not step. Knows no store.

import { createClockEstimate } from "./clock-estimate.ts";

export interface StoreClock {
  /** Microseconds of the store's clock; of ours, as long as the store has never told its own. */
  read(): number;
  /** The store said that it was `at`. */
  learn(at: number): void;
  /** The same. @returns by how much it was thought to be less */
  set(at: number): number;
}

/**
 * A clock that the store has told nothing of.
 * @param elapsed milliseconds since any fixed instant, monotonic
 * @param startedAt what our clock says now, in unix milliseconds
 */
export function createStoreClock(elapsed: () => number, startedAt: number): StoreClock {
  const start = startedAt - elapsed();
  const estimate = createClockEstimate(elapsed);
  const read = (): number => Math.round(estimate.read() ?? (start + elapsed()) * 1000);
  return {
    read,
    learn: (at) => estimate.learn(at),
    set(at) {
      const before = read();
      estimate.learn(at);
      return read() - before;
    },
  };
}

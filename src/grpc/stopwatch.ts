// How long ago something was, for what must not outlive its time whatever becomes of the clock.

import { monotonicClock } from "./clock.ts";

/**
 * Starts to count. @returns the milliseconds since: the longer of what the clock `now` says, which counts while a machine sleeps,
 * and what the monotonic one says, which nobody sets back
 */
export function startStopwatch(now: () => number): () => number {
  const [wall, monotonic] = [now(), monotonicClock()];
  return () => Math.max(now() - wall, monotonicClock() - monotonic);
}

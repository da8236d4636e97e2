// The system's clocks, repeated tasks, and the delay of the event loop.

import { monitorEventLoopDelay } from "node:perf_hooks";

/** Unix milliseconds. */
export function systemNow(): number {
  return Date.now();
}

/** Milliseconds since a fixed instant; never steps. */
export function monotonicNow(): number {
  return performance.now();
}

/**
 * Runs `act` every `ms` milliseconds, one run at a time. A failure goes to `onFault`, and the runs continue. The timer does not keep
 * the process alive. @returns a function that stops the repetition and waits for the current run
 */
export function repeatEvery(
  ms: number,
  act: () => Promise<void>,
  onFault: (error: unknown) => void,
): () => Promise<void> {
  let current: Promise<void> | undefined;
  const timer = setInterval(() => {
    current ??= act()
      .catch(onFault)
      .finally(() => {
        current = undefined;
      });
  }, ms);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await current;
  };
}

export interface EventLoop {
  /** The median delay of the last second, in milliseconds: a single long turn is not an overload. */
  readonly delayMs: () => number;
  readonly close: () => void;
}

const RESOLUTION_MS = 100;
const WINDOW_MS = 1_000;

/** Measures how late the event loop is. */
export function watchEventLoop(): EventLoop {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  let delayMs = 0;
  const timer = setInterval(() => {
    // The histogram counts the timer's own interval too.
    delayMs = Math.max(0, histogram.percentile(50) / 1e6 - RESOLUTION_MS);
    histogram.reset();
  }, WINDOW_MS).unref();
  return {
    delayMs: () => delayMs,
    close() {
      clearInterval(timer);
      histogram.disable();
    },
  };
}

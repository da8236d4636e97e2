// Watches how late the event loop is.

import { monitorEventLoopDelay } from "node:perf_hooks";

export interface EventLoop {
  /** The median delay of the last second, in milliseconds: one long turn alone is no overload. */
  readonly delayMs: () => number;
  readonly close: () => void;
}

const RESOLUTION_MS = 100;
const WINDOW_MS = 1_000;

/** Starts to watch. */
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

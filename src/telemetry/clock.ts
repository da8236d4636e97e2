// The system's clocks, read here and nowhere else: whatever needs the time is handed it.

/** Unix milliseconds. */
export function systemNow(): number {
  return Date.now();
}

/** Milliseconds since some fixed instant; never steps. */
export function monotonicNow(): number {
  return performance.now();
}

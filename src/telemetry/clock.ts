// The system's clocks. All other modules are handed the time.

/** Unix milliseconds. */
export function systemNow(): number {
  return Date.now();
}

/** Milliseconds since a fixed instant; never steps. */
export function monotonicNow(): number {
  return performance.now();
}

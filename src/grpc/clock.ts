// The clocks of clients that are given none. Knows nothing else.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

/** Milliseconds since some fixed instant; never steps. */
export function monotonicClock(): number {
  return performance.now();
}

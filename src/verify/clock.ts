// The clocks of a verifier that is given none. Knows nothing else.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

/** Milliseconds since any moment, by a clock that nobody sets. */
export function monotonicClock(): number {
  return performance.now();
}

// The clock of a verifier that is given none. Knows nothing else.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

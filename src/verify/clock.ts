// The clock of a verifier that is given none.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

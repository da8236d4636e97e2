// The default clock of a verifier.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

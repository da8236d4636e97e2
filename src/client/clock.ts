// The clock of a client that is given none.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

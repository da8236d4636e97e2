// The default clock of a client.

/** Unix milliseconds. */
export function systemClock(): number {
  return Date.now();
}

// Marks a revocation.

/**
 * The mark of a revocation at `now`, in unix milliseconds, where there was `before` already: another in any case. Whether it is later is for
 * people to read: tokens are told apart by what their device's marks were when they were issued, and no two clocks are compared.
 */
export function markRevocation(before: number, now: number): number {
  return Math.max(before + 1, now);
}

// How far a gateway's clock is from this machine's, where that can be true: pure arithmetic. Knows no clock and no gateway.

/** A clock may stand still for as long as its board lies in a store. */
const FURTHEST_MS = 366 * 86_400_000;
/** A machine's clock that stands before 2025 was never set: it says nothing of a gateway's. */
const FIRST_MS = 1_735_689_600_000;
const PAST_LAST_MS = 4_102_444_800_000;

/**
 * @param serverTime the gateway's time, in Unix seconds
 * @param nowMs the machine's own, in Unix milliseconds
 * @returns what the second lacks of the first, in milliseconds
 * @throws RangeError where the gateway's is not of the years 2025 to 2099, or more than 366 days from a clock that was set
 */
export function clockOffset(serverTime: number, nowMs: number): number {
  const serverMs = serverTime * 1000;
  if (!(serverMs >= FIRST_MS && serverMs < PAST_LAST_MS)) {
    throw new RangeError("the gateway's time is not of the years 2025 to 2099, and was not taken over");
  }
  const offsetMs = serverMs - nowMs;
  if (nowMs >= FIRST_MS && Math.abs(offsetMs) > FURTHEST_MS) {
    throw new RangeError(
      "the gateway's time is more than 366 days from this machine's, and was not taken over. Set the clock that is wrong",
    );
  }
  return offsetMs;
}

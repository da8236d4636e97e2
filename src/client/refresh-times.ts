// When a token is renewed, and how long to wait after a login that failed: pure arithmetic, all in milliseconds.

/** A token is not handed out so late that it may expire on its way. */
const ON_ITS_WAY_MS = 5_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;

/** For how long after its login a token that lives for `lifeMs` is handed out: all but the last 5 s, or tenth of a short life. */
export function usableFor(lifeMs: number): number {
  return lifeMs - Math.min(ON_ITS_WAY_MS, lifeMs / 10);
}

/**
 * How long after its login a token is renewed: with one to two times `ahead`, a share of its life, left of it.
 * @param random from 0 to below 1, so that clients that started together do not come together
 */
export function renewedAfter(lifeMs: number, ahead: number, random: number): number {
  return lifeMs * (1 - ahead * (1 + random));
}

/**
 * How long to wait after the nth failure in a row: 1 s, doubled each time up to a minute, of which up to half is left to chance;
 * and what the gateway asked for at the least, with up to a tenth more.
 */
export function pauseAfter(failures: number, retryAfterMs: number, random: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (failures - 1)) * (1 - random / 2);
  return Math.max(pause, retryAfterMs * (1 + random / 10));
}

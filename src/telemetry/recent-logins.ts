// The logins of the last hour at this gateway, by outcome, for the overview of operators.

export interface RecentLoginCounts {
  /** When the first interval began, in unix milliseconds. */
  readonly startedAt: number;
  readonly intervalMs: number;
  /** Logins of each interval, the oldest first. */
  readonly byOutcome: ReadonlyMap<string, readonly number[]>;
}

export interface RecentLogins {
  count(outcome: string): void;
  /** The intervals that are over. */
  read(): RecentLoginCounts;
}

const INTERVAL_MS = 5_000;
const INTERVALS = 720;

/** Counts logins. `now` in unix milliseconds. */
export function createRecentLogins(now: () => number): RecentLogins {
  const rings = new Map<string, Uint32Array>();
  /** The number of the present interval, counted from 1970. */
  let current = Math.floor(now() / INTERVAL_MS);

  /** Clears the intervals that began since the last call. After a step backward the newest interval goes on. */
  function advance(): void {
    const number = Math.floor(now() / INTERVAL_MS);
    const from = Math.max(current + 1, number - INTERVALS);
    for (let each = from; each <= number; each++) for (const ring of rings.values()) ring[each % (INTERVALS + 1)] = 0;
    current = Math.max(current, number);
  }

  return {
    count(outcome) {
      advance();
      const ring = rings.get(outcome) ?? new Uint32Array(INTERVALS + 1);
      rings.set(outcome, ring);
      const index = current % (INTERVALS + 1);
      ring[index] = (ring[index] ?? 0) + 1;
    },
    read() {
      advance();
      const first = current - INTERVALS;
      const countsOf = (ring: Uint32Array): number[] =>
        Array.from({ length: INTERVALS }, (_, index) => ring[(first + index) % (INTERVALS + 1)] ?? 0);
      const byOutcome = new Map([...rings].map(([outcome, ring]) => [outcome, countsOf(ring)]));
      return { startedAt: first * INTERVAL_MS, intervalMs: INTERVAL_MS, byOutcome };
    },
  };
}

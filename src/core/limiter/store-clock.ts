// The store's clock as it is known here: it goes on by our own, which does not step. Knows no store.

export interface StoreClock {
  /** Microseconds of the store's clock; by `now`, in unix milliseconds, as long as the store has never told it. */
  read(now: number): number;
  /** The store said that it was `at`. @returns by how much it was thought to be less */
  set(at: number): number;
}

/** A clock seems slow by as much as an answer is read late; more than that, it did step backward. In microseconds. */
export const LARGEST_DELAY = 1_000_000;

/** A clock that nobody has set. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createStoreClock(elapsed: () => number): StoreClock {
  let start: number | undefined;
  let told = false;
  return {
    read(now) {
      start ??= now * 1000 - elapsed() * 1000;
      return Math.round(start + elapsed() * 1000);
    },
    set(at) {
      const before = start;
      const seen = at - elapsed() * 1000;
      // What is dated too early leaves its window too early.
      if (!told || before === undefined || seen > before || seen < before - LARGEST_DELAY) start = seen;
      told = true;
      return before === undefined ? 0 : (start ?? before) - before;
    },
  };
}

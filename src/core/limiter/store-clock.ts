// The store's clock as it is known here: it goes on by our own, which does not step. Knows no store.

export interface StoreClock {
  /** Microseconds of the store's clock; by `now`, in unix milliseconds, as long as the store has never told it. */
  read(now: number): number;
  /** The store says that it is `at`. @returns by how much it was thought to be less */
  set(at: number): number;
}

/** A clock that nobody has set. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createStoreClock(elapsed: () => number): StoreClock {
  let start: number | undefined;
  return {
    read(now) {
      start ??= now * 1000 - elapsed() * 1000;
      return Math.round(start + elapsed() * 1000);
    },
    set(at) {
      const before = start;
      start = at - elapsed() * 1000;
      return before === undefined ? 0 : start - before;
    },
  };
}

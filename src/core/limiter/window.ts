// The arithmetic of a sliding window: a log and an instant give a decision.

/** Admissions at one instant. */
export interface Entry {
  readonly at: number;
  readonly count: number;
}

/** Admissions that may still lie in the window, oldest first. */
export type Log = readonly Entry[];

/** A log at an instant. */
export interface WindowState {
  /** The admissions in the window that ends now. */
  readonly log: Log;
  /** Admissions left. A request is admitted if and only if this is over 0. */
  readonly remaining: number;
  /** Time until the next slot is freed; of a spent limit, until a request would be admitted. 0: no slot is taken. */
  readonly reset: number;
  /** The clock stepped backward since the log was written: keep `log`, also after a denial. */
  readonly stepped: boolean;
}

/** Above this limit, instants are rounded up. */
export const LARGEST_EXACT_LIMIT = 256;
/** The share of a window that they are rounded up to. */
export const SUB_WINDOWS = 64;

/** The instant that an admission at `now` counts from. It is never early, so an entry is never thought older than it is. */
export function roundUp(limit: number, window: number, now: number): number {
  if (limit <= LARGEST_EXACT_LIMIT) return now;
  const quantum = Math.ceil(window / SUB_WINDOWS);
  return Math.ceil(now / quantum) * quantum;
}

/**
 * Reads a log at `now`: the admissions in (now - window, now].
 *
 * An admission ahead of the clock means that the clock stepped backward. It counts as made just now: no more are admitted than
 * before the step, and nobody waits for longer than one window.
 */
export function readWindow(log: Log, limit: number, window: number, now: number): WindowState {
  const tick = roundUp(limit, window, now);
  const stepped = (log.at(-1)?.at ?? tick) > tick;
  const live = (stepped ? clamp(log, tick) : log).filter(({ at }) => at > now - window);
  return describe(live, limit, window, now, stepped);
}

/** Adds one admission to a state whose `remaining` is over 0; `now` is the instant that it was read at. */
export function admit({ log, stepped }: WindowState, limit: number, window: number, now: number): WindowState {
  const tick = roundUp(limit, window, now);
  const newest = log.at(-1);
  const isSame = newest?.at === tick;
  const entry = { at: tick, count: isSame ? newest.count + 1 : 1 };
  // `concat` makes an array of the very length; a spread keeps room for sixteen more, for each device of a fleet.
  return describe((isSame ? log.slice(0, -1) : log).concat(entry), limit, window, now, stepped);
}

function clamp(log: Log, tick: number): Log {
  const count = log.filter(({ at }) => at >= tick).reduce((sum, entry) => sum + entry.count, 0);
  return [...log.filter(({ at }) => at < tick), { at: tick, count }];
}

function describe(log: Log, limit: number, window: number, now: number, stepped: boolean): WindowState {
  const used = log.reduce((sum, { count }) => sum + count, 0);
  // A limit that was lowered below what is used has room once all above it have left.
  const leaving = Math.max(1, used - limit + 1);
  let left = 0;
  const last = log.find(({ count }) => {
    left += count;
    return left >= leaving;
  });
  const reset = last === undefined ? 0 : last.at + window - now;
  return { log, remaining: Math.max(0, limit - used), reset, stepped };
}

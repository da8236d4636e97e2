// The arithmetic of a sliding window, on a log of admissions.

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
  /** Time until the next slot is freed; for a spent limit, until a request would be admitted. 0 if no slot is taken. */
  readonly reset: number;
  /** The clock stepped backward since the log was written: store `log`, also after a denial. */
  readonly stepped: boolean;
}

/** Above this limit, instants are rounded up. */
export const LARGEST_EXACT_LIMIT = 256;
/** Instants are rounded up to a multiple of window / SUB_WINDOWS. */
export const SUB_WINDOWS = 64;

/** The instant that an admission at `now` counts from. It is never before `now`, so no entry leaves the window early. */
export function roundUp(limit: number, window: number, now: number): number {
  if (limit <= LARGEST_EXACT_LIMIT) return now;
  const quantum = Math.ceil(window / SUB_WINDOWS);
  return Math.ceil(now / quantum) * quantum;
}

/**
 * Reads a log at `now`: the admissions in (now - window, now].
 *
 * An admission ahead of the clock shows that the clock stepped backward. The admission then counts from `now`: the limit still holds, and
 * nobody waits for longer than one window.
 */
export function readWindow(log: Log, limit: number, window: number, now: number): WindowState {
  const tick = roundUp(limit, window, now);
  const stepped = (log.at(-1)?.at ?? tick) > tick;
  const live = (stepped ? clamp(log, tick) : log).filter(({ at }) => at > now - window);
  return describe(live, limit, window, now, stepped);
}

/** Adds one admission to a state whose `remaining` is over 0; `now` is the instant at which the state was read. */
export function admit({ log, stepped }: WindowState, limit: number, window: number, now: number): WindowState {
  const tick = roundUp(limit, window, now);
  const newest = log.at(-1);
  const isSame = newest?.at === tick;
  const entry = { at: tick, count: isSame ? newest.count + 1 : 1 };
  // `concat` allocates the exact length; a spread leaves room for sixteen more entries, for each device.
  return describe((isSame ? log.slice(0, -1) : log).concat(entry), limit, window, now, stepped);
}

function clamp(log: Log, tick: number): Log {
  const count = log.filter(({ at }) => at >= tick).reduce((sum, entry) => sum + entry.count, 0);
  return [...log.filter(({ at }) => at < tick), { at: tick, count }];
}

function describe(log: Log, limit: number, window: number, now: number, stepped: boolean): WindowState {
  const used = log.reduce((sum, { count }) => sum + count, 0);
  // A limit may have been lowered below the admissions in the window: all above it have to leave first.
  const leaving = Math.max(1, used - limit + 1);
  let left = 0;
  const last = log.find(({ count }) => {
    left += count;
    return left >= leaving;
  });
  const reset = last === undefined ? 0 : last.at + window - now;
  return { log, remaining: Math.max(0, limit - used), reset, stepped };
}

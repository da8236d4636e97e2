// The sliding window: log + clock -> decision. Pure arithmetic; knows no store, and no unit of time but the caller's.

/** Admissions at one tick; several only when a large limit is counted in sub-windows. */
export interface Entry {
  readonly at: number;
  readonly count: number;
}

/** The admissions that may still lie in the window, oldest first. */
export type Log = readonly Entry[];

/** A log as it stands at an instant. */
export interface Reading {
  /** The admissions in the window that ends now. */
  readonly log: Log;
  /** How many more may be admitted; a request is admitted if and only if this is over 0. */
  readonly remaining: number;
  /** Time until the next slot is freed; for a spent limit, until a request would be admitted. 0 when none is taken. */
  readonly reset: number;
  /** The clock stepped backward since the log was written: it must be kept as it is here, or the step never ends. */
  readonly stepped: boolean;
}

/** Above this limit admissions are counted in sub-windows. */
export const LARGEST_EXACT_LIMIT = 256;
/** As many sub-windows as a large limit's window is divided into. */
export const SUB_WINDOWS = 64;

/** The resolution of a log: times are rounded up to a multiple, so that an entry is never thought older than it is. */
export function quantumOf(limit: number, window: number): number {
  return limit <= LARGEST_EXACT_LIMIT ? 1 : Math.ceil(window / SUB_WINDOWS);
}

/**
 * Reads a log at `now`: what lies in (now - window, now].
 *
 * An admission that lies ahead of the clock means that the clock stepped backward: it is taken to have happened just
 * now, so that no more are admitted than before the step, and nobody waits for longer than one window.
 */
export function readWindow(log: Log, limit: number, window: number, now: number): Reading {
  const tick = tickOf(limit, window, now);
  const stepped = (log.at(-1)?.at ?? tick) > tick;
  const live = (stepped ? clamp(log, tick) : log).filter(({ at }) => at > now - window);
  return reading(live, limit, window, now, stepped);
}

/** Adds one admission to a reading whose `remaining` is over 0; `now` is the instant it was read at. */
export function admit({ log, stepped }: Reading, limit: number, window: number, now: number): Reading {
  const tick = tickOf(limit, window, now);
  const newest = log.at(-1);
  const merged = newest?.at === tick;
  const entry = { at: tick, count: merged ? newest.count + 1 : 1 };
  return reading([...(merged ? log.slice(0, -1) : log), entry], limit, window, now, stepped);
}

/** Everything ahead of the tick, together at the tick. */
function clamp(log: Log, tick: number): Log {
  const ahead = log.filter(({ at }) => at >= tick);
  const count = ahead.reduce((sum, entry) => sum + entry.count, 0);
  return [...log.filter(({ at }) => at < tick), { at: tick, count }];
}

/** An instant as a log has it. */
export function tickOf(limit: number, window: number, now: number): number {
  const quantum = quantumOf(limit, window);
  return Math.ceil(now / quantum) * quantum;
}

function reading(log: Log, limit: number, window: number, now: number, stepped: boolean): Reading {
  const used = log.reduce((sum, { count }) => sum + count, 0);
  const slots = Math.max(1, used - limit + 1);
  let freed = 0;
  const last = log.find(({ count }) => {
    freed += count;
    return freed >= slots;
  });
  return {
    log,
    remaining: Math.max(0, limit - used),
    reset: last === undefined ? 0 : last.at + window - now,
    stepped,
  };
}

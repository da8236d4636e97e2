// The proof that a race was fair: from the admissions alone, how many were too many. Pure; knows no limiter.

import type { Admissions, Counts, RacePolicies, RaceResult } from "./race-plan.ts";

export interface RaceReport {
  readonly decisions: number;
  readonly admitted: number;
  /** Admissions that a limit had no room for. */
  readonly overAdmissions: number;
  /** Denials by a window that outlasts the race although it had room. */
  readonly falseDenials: number;
  /** Admissions whose time is not between the readings of Redis's clock around it. */
  readonly wrongTimes: number;
  /** How near the race came: from an admission to the one that is a limit further, less the window, in microseconds. */
  readonly closestMicros: number;
}

export function checkRace(results: readonly RaceResult[], policies: RacePolicies, decisions: number): RaceReport {
  const { limit, windowMs } = policies.sliding;
  const sliding = checkSliding(
    results.map((result) => result.sliding),
    limit,
    windowMs * 1000,
  );
  const endless = checkCounts(
    results.map((result) => result.endless),
    policies.endless.limit,
  );
  const wide = checkCounts(
    results.map((result) => result.wide),
    policies.wide.limit,
  );
  return {
    decisions,
    admitted: results.reduce((sum, { admitted }) => sum + admitted, 0),
    overAdmissions: sliding.over + endless.over + wide.over,
    falseDenials: endless.under + wide.under,
    wrongTimes: sliding.wrongTimes,
    closestMicros: sliding.closest,
  };
}

/** An admission is one too many when as many as the limit came before it in the window that it ends. */
export function checkSliding(
  lists: readonly Admissions[],
  limit: number,
  window: number,
): { over: number; wrongTimes: number; closest: number } {
  const times = new Map<number, number[]>();
  let wrongTimes = 0;
  for (const { key: keys, at: ats, from, to } of lists) {
    for (const [place, key] of keys.entries()) {
      const at = ats[place] ?? Number.NaN;
      if (!((from[place] ?? Number.NaN) <= at && at <= (to[place] ?? Number.NaN))) wrongTimes++;
      const known = times.get(key);
      if (known === undefined) times.set(key, [at]);
      else known.push(at);
    }
  }
  let over = 0;
  let closest = Number.POSITIVE_INFINITY;
  for (const unordered of times.values()) {
    const ascending = unordered.sort((one, other) => one - other);
    for (let place = limit; place < ascending.length; place++) {
      const span = (ascending[place] ?? Number.NaN) - (ascending[place - limit] ?? Number.NaN);
      closest = Math.min(closest, span - window);
      if (span < window) over++;
    }
  }
  return { over, wrongTimes, closest };
}

/** Where nothing leaves the window as many are admitted as were asked, up to the limit. */
function checkCounts(lists: readonly Counts[], limit: number): { over: number; under: number } {
  let over = 0;
  let under = 0;
  for (const key of lists[0]?.asked.keys() ?? []) {
    const total = (kind: keyof Counts): number => lists.reduce((sum, counts) => sum + (counts[kind][key] ?? 0), 0);
    const due = Math.min(limit, total("asked"));
    over += Math.max(0, total("admitted") - due);
    under += Math.max(0, due - total("admitted"));
  }
  return { over, under };
}

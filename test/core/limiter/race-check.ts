// Recomputes the decisions of a race from Redis's times.

import { roundUp } from "../../../src/core/limiter/window.ts";

/** Decisions of one process, as parallel lists; times in microseconds of Redis's clock. */
export interface Decisions {
  readonly key: readonly number[];
  readonly at: readonly number[];
  readonly isAdmitted: readonly boolean[];
}

export interface RaceReport {
  readonly decisions: number;
  readonly admitted: number;
  /** Admissions above a limit. */
  readonly overAdmissions: number;
  /** Denials below a limit. */
  readonly falseDenials: number;
}

/** Recomputes each key. Decisions of the same microsecond may have any order. */
export function checkDecisions(lists: readonly Decisions[], limit: number, window: number): RaceReport {
  const byKey = new Map<number, { at: number; isAdmitted: boolean }[]>();
  for (const { key: keys, at, isAdmitted } of lists) {
    for (const [index, key] of keys.entries()) {
      const own = byKey.get(key) ?? [];
      byKey.set(key, own);
      own.push({ at: at[index] ?? Number.NaN, isAdmitted: isAdmitted[index] ?? false });
    }
  }
  let [decisions, admitted, overAdmissions, falseDenials] = [0, 0, 0, 0];
  for (const own of byKey.values()) {
    decisions += own.length;
    const log = own.filter((decision) => decision.isAdmitted).map(({ at }) => roundUp(limit, window, at));
    log.sort((one, other) => one - other);
    admitted += log.length;
    for (let index = limit; index < log.length; index++) {
      if ((log[index] ?? Number.NaN) - (log[index - limit] ?? Number.NaN) < window) overAdmissions++;
    }
    const denials = own.filter(({ isAdmitted }) => !isAdmitted).map(({ at }) => at);
    let [first, next] = [0, 0];
    for (const at of denials.sort((one, other) => one - other)) {
      while ((log[next] ?? Number.POSITIVE_INFINITY) <= roundUp(limit, window, at)) next++;
      while ((log[first] ?? Number.POSITIVE_INFINITY) <= at - window) first++;
      if (next - first < limit) falseDenials++;
    }
  }
  return { decisions, admitted, overAdmissions, falseDenials };
}

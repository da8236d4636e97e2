// Messages to and from the processes of a race.

import type { Policy } from "../../../src/core/ports.ts";

/** Decisions on one set of keys, by one process. */
export interface RacePlan {
  readonly redisUrl: string;
  /** Put before every key: a race has its keys to itself. */
  readonly prefix: string;
  readonly keys: number;
  readonly decisions: number;
  readonly inFlight: number;
  readonly policies: RacePolicies;
  /** The limiter's policies in place of those, to make it over-admit. */
  readonly planted?: RacePolicies;
}

/** Half of the decisions go by `sliding`, a quarter by each of the others, whose window outlasts the race. */
export interface RacePolicies {
  readonly sliding: Policy;
  readonly endless: Policy;
  /** Counted in sub-windows. */
  readonly wide: Policy;
}

/** The admissions of `sliding`, an element of each list for each of them; times in microseconds of Redis's clock. */
export interface Admissions {
  readonly key: readonly number[];
  /** As the verdict tells it. */
  readonly at: readonly number[];
  /** As Redis told it just before, and just after, on the same connection. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The decisions on each key, by a window that outlasts the race. */
export interface Counts {
  readonly asked: readonly number[];
  readonly admitted: readonly number[];
}

export interface RaceResult {
  readonly sliding: Admissions;
  readonly endless: Counts;
  readonly wide: Counts;
  readonly admitted: number;
}

const HOUR = 3_600_000;

/** Policies that a race over so many keys comes to the limit of, `decisions` being those of all processes. */
export function policiesFor(keys: number, decisions: number, windowMs: number = Math.max(100, keys / 5)): RacePolicies {
  const expected = decisions / 4 / keys;
  return {
    sliding: { name: "login", limit: Math.min(10, Math.max(1, Math.floor((2 * expected) / 5))), windowMs },
    endless: { name: "failure", limit: Math.min(200, Math.max(1, Math.floor(expected / 2))), windowMs: HOUR },
    wide: { name: "address", limit: Math.max(257, Math.min(500, Math.floor(expected / 2))), windowMs: HOUR },
  };
}

// What this process remembers of denials, so that a flood on a spent limit need not be asked about. Knows no store.

import { LRUCache } from "lru-cache";
import type { Policy, PolicyState } from "../ports.ts";

const CAPACITY = 100_000;

interface Denial {
  readonly since: number;
  readonly until: number;
  readonly state: PolicyState;
}

export interface Denials {
  /** Remembers that `key` is denied until `state.resetMs` after `now`: no slot is freed earlier. */
  remember(key: string, state: PolicyState, now: number): void;
  /** The state of a key that `policy` still denies; undefined when nothing is known of it. */
  recall(key: string, policy: Policy, now: number): PolicyState | undefined;
}

/** A memory of denials, bounded in size. */
export function createDenials(): Denials {
  const denials = new LRUCache<string, Denial>({ max: CAPACITY });
  return {
    remember(key, state, now) {
      denials.set(key, { since: now, until: now + state.resetMs, state });
    },
    recall(key, policy, now) {
      const denial = denials.get(key);
      if (denial === undefined) return undefined;
      const { limit, windowMs } = denial.state.policy;
      const changed = limit !== policy.limit || windowMs !== policy.windowMs;
      // A clock that stepped backward would stretch a denial: forget it and ask again.
      if (changed || now < denial.since || now >= denial.until) {
        denials.delete(key);
        return undefined;
      }
      return { ...denial.state, resetMs: denial.until - now };
    },
  };
}

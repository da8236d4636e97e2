// What this process remembers of denials, so that a flood on a spent limit need not be asked about. Knows no store.

import { LRUCache } from "lru-cache";
import type { Policy, PolicyName, PolicyState } from "../ports.ts";

const CAPACITY = 100_000;

interface Denial {
  readonly since: number;
  readonly until: number;
  readonly state: PolicyState;
}

export interface Denials {
  /**
   * Remembers that `key` is denied until `state.resetMs` after `now`: no slot is freed earlier. `now` is of a clock that does
   * not step, and of an instant before the decision, so that no denial is told for longer than it holds.
   */
  remember(key: string, state: PolicyState, now: number): void;
  /** The state of a key that `policy` still denies; undefined when nothing is known of it. */
  recall(key: string, policy: Policy, now: number): PolicyState | undefined;
}

/**
 * A memory of denials, bounded in size.
 * @param drift the share by which the clock that counts may run faster than the one that asks here
 */
export function createDenials(drift: number = 0): Denials {
  const create = (): LRUCache<string, Denial> => new LRUCache({ max: CAPACITY });
  // By policy, so that a key is its own name.
  const tables = { login: create(), failure: create(), address: create(), replay: create() } satisfies Record<
    PolicyName,
    LRUCache<string, Denial>
  >;
  return {
    remember(key, state, now) {
      tables[state.policy.name].set(key, { since: now, until: now + state.resetMs * (1 - drift), state });
    },
    recall(key, policy, now) {
      const denials = tables[policy.name];
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

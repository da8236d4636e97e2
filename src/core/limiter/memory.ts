// The limiter in the process: exact for one gateway.

import { LRUCache } from "lru-cache";
import type { Charge, Limiter, PolicyName, PolicyState, Verdict } from "../ports.ts";
import { admit, type Log, readWindow, type WindowState } from "./window.ts";

/** Keys of each policy. Above it, the least recently charged key is dropped. */
const DEFAULT_CAPACITY = 100_000;

/** A limiter that decides at once. */
export interface MemoryLimiter extends Limiter {
  /** As `charge`, without a promise. */
  decide(charges: readonly Charge[], now: number): Verdict;
  /** Counts charges that were admitted elsewhere. */
  record(charges: readonly Charge[], now: number): void;
}

/** A limiter whose logs live in this process. Time is the caller's, in milliseconds. */
export function createMemoryLimiter(capacity: number = DEFAULT_CAPACITY): MemoryLimiter {
  // One table for each policy: failures of strangers must not evict logins and used proofs.
  // Each is created for its first key, since an LRUCache allocates room for all its keys at once.
  const tables = new Map<PolicyName, LRUCache<string, Log>>();

  function read({ policy, key }: Charge, now: number): WindowState {
    return readWindow(tables.get(policy.name)?.get(key) ?? [], policy.limit, policy.windowMs, now);
  }

  function write({ policy, key }: Charge, { log }: WindowState): void {
    const table = tables.get(policy.name) ?? new LRUCache<string, Log>({ max: capacity });
    tables.set(policy.name, table);
    table.set(key, log);
  }

  function decide(charges: readonly Charge[], now: number): Verdict {
    const before = charges.map((charge) => ({ charge, window: read(charge, now) }));
    const denied = before.findIndex(({ window }) => window.remaining === 0);
    const states = before.map(({ charge, window }): PolicyState => {
      const { policy } = charge;
      const after = denied === -1 ? admit(window, policy.limit, policy.windowMs, now) : window;
      if (denied === -1 || window.stepped) write(charge, after);
      return { policy, remaining: after.remaining, resetMs: after.reset };
    });
    return { denied, states };
  }

  function record(charges: readonly Charge[], now: number): void {
    for (const charge of charges) {
      write(charge, admit(read(charge, now), charge.policy.limit, charge.policy.windowMs, now));
    }
  }

  return {
    decide,
    record,
    charge: async (charges, now) => decide(charges, now),
    ping: async () => "ok",
  };
}

// The limiter in the process: exact for one gateway. Knows the window, and no other process.

import { LRUCache } from "lru-cache";
import type { Charge, Limiter, PolicyName, PolicyState } from "../ports.ts";
import { admit, type Log, type Reading, readWindow } from "./window.ts";

/** As many keys are remembered of each policy; past it the one least recently charged is forgotten. */
const DEFAULT_CAPACITY = 100_000;

/** A limiter whose logs live in this process, in milliseconds of the caller's clock. */
export function createMemoryLimiter(capacity: number = DEFAULT_CAPACITY): Limiter {
  // Apart from each other: failures, which strangers make, must not crowd out logins and proofs that were used.
  // Each is made for the first that is kept: it takes room for all at once.
  const logs = new Map<PolicyName, LRUCache<string, Log>>();

  function read({ policy, key }: Charge, now: number): Reading {
    return readWindow(logs.get(policy.name)?.get(key) ?? [], policy.limit, policy.windowMs, now);
  }

  function keep({ policy, key }: Charge, reading: Reading): void {
    const kept = logs.get(policy.name) ?? new LRUCache<string, Log>({ max: capacity });
    logs.set(policy.name, kept);
    kept.set(key, reading.log);
  }

  return {
    async charge(charges, now) {
      const readings = charges.map((charge) => ({ charge, reading: read(charge, now) }));
      const denied = readings.findIndex(({ reading }) => reading.remaining === 0);

      const states = readings.map(({ charge, reading }) => {
        const { limit, windowMs } = charge.policy;
        const after = denied === -1 ? admit(reading, limit, windowMs, now) : reading;
        if (denied === -1 || reading.stepped) keep(charge, after);
        return stateOf(charge, after);
      });
      return { denied, states };
    },

    ping: async () => "ok",
  };
}

function stateOf({ policy }: Charge, { remaining, reset }: Reading): PolicyState {
  return { policy, remaining, resetMs: reset };
}

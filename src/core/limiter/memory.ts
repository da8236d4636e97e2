// The limiter in the process: exact for one gateway. Knows the window, and no other process.

import { LRUCache } from "lru-cache";
import type { Charge, Limiter, PolicyState } from "../ports.ts";
import { admit, type Log, type Reading, readWindow } from "./window.ts";

/** As many keys are remembered; past it the one least recently charged is forgotten. */
const DEFAULT_CAPACITY = 250_000;

/** A limiter whose logs live in this process, in milliseconds of the caller's clock. */
export function createMemoryLimiter(capacity: number = DEFAULT_CAPACITY): Limiter {
  const logs = new LRUCache<string, Log>({ max: capacity });

  const nameOf = ({ policy, key }: Charge): string => `${policy.name} ${key}`;

  function read(charge: Charge, now: number): Reading {
    const { limit, windowMs } = charge.policy;
    return readWindow(logs.get(nameOf(charge)) ?? [], limit, windowMs, now);
  }

  function keep(charge: Charge, reading: Reading): void {
    logs.set(nameOf(charge), reading.log);
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

    peek(charge, now) {
      const reading = read(charge, now);
      if (reading.stepped) keep(charge, reading);
      return reading.remaining === 0 ? stateOf(charge, reading) : undefined;
    },

    async ping() {},
  };
}

function stateOf({ policy }: Charge, { remaining, reset }: Reading): PolicyState {
  return { policy, remaining, resetMs: reset };
}

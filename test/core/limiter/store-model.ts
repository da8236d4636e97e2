// A store that several gateways share, as plainly as it can be said, which can be away and lose what it knew.

import { AuthError } from "../../../src/core/errors.ts";
import type { ShadowLog } from "../../../src/core/limiter/shadow.ts";
import type { Reach, SharedLimiter } from "../../../src/core/limiter/shared.ts";
import type { Charge, PolicyState } from "../../../src/core/ports.ts";
import { limitsUnavailable } from "../../../src/core/refusals.ts";

/** How a store is away: it refuses, says nothing, does what it is asked and says nothing, or says so when it is back. */
export type Absence = "refuses" | "silent" | "unheard" | "late";

/** One gateway's way to the store. */
export interface Way {
  readonly limiter: SharedLimiter;
  readonly reach: Reach;
  /** What is asked comes to nothing; connections are lost where it refuses. */
  leave(absence: Absence): void;
  comeBack(): void;
  /** Answers take so long from now on, in milliseconds; commands are executed in the order in which they were sent. */
  slow(ms: number): void;
  /** What is asked of these keys fails, and says nothing of the store. */
  breakKey(key: string): void;
  /** How many commands reached the store. */
  readonly asked: () => number;
}

export interface StoreModel {
  createWay(): Way;
  /** Forgets everything, as a server that was started anew. */
  lose(): void;
}

const KEY_FAILURE = new Error("the key holds something else");

/** Microseconds between two commands; there are fewer ways to the store than that. */
const INSTANT = 8;

/** @param now microseconds, in multiples of INSTANT */
export function createStoreModel(now: () => number): StoreModel {
  let logs = new Map<string, number[]>();
  const reports = { begun: new Set<number>(), done: new Set<number>(), seen: new Set<number>() };
  let lives = 1;
  // Long ago.
  let startedAt = 0;
  let last = 0;

  /** No two commands see the same instant, nor one that a gateway dates anything at. */
  function tick(): number {
    last = Math.max(now(), last + INSTANT);
    return last;
  }

  const nameOf = ({ policy, key }: Charge): string => `${policy.name}/${key}`;

  function live(charge: Charge, at: number): number[] {
    return (logs.get(nameOf(charge)) ?? []).filter((time) => time > at - charge.policy.windowMs * 1000);
  }

  function stateOf(charge: Charge, at: number): PolicyState {
    const times = live(charge, at);
    const { policy } = charge;
    const oldest = times.at(-policy.limit) ?? times[0];
    const resetMs = oldest === undefined ? 0 : (oldest - at) / 1000 + policy.windowMs;
    return { policy, remaining: Math.max(0, policy.limit - times.length), resetMs };
  }

  function charge(charges: readonly Charge[], error: number): Awaited<ReturnType<SharedLimiter["charge"]>> {
    const at = tick();
    const denied = charges.findIndex((one) => stateOf(one, at).remaining === 0);
    if (denied === -1) for (const one of charges) logs.set(nameOf(one), [...live(one, at), at]);
    const receipts = charges.map(() => (denied === -1 ? { at, generation: 0 } : undefined));
    return { denied, states: charges.map((one) => stateOf(one, at)), now: at + error, receipts };
  }

  function merge(told: readonly ShadowLog[]): number[] {
    for (const log of told) {
      const held = logs.get(nameOf(log)) ?? [];
      // What it holds of an instant, and what is missing of what was admitted at it.
      const missing = log.admissions.flatMap(({ at, count }) =>
        Array<number>(Math.max(0, count - held.filter((time) => time === at).length)).fill(at),
      );
      logs.set(
        nameOf(log),
        [...held, ...missing].sort((one, other) => one - other),
      );
    }
    return told.map(() => 0);
  }

  let ways = 0;
  return {
    createWay() {
      // What each way takes the clock to be is off by something else.
      const error = ++ways;
      let absence: Absence | undefined;
      let asked = 0;
      let latency = 0;
      const broken = new Set<string>();
      const denied = new Map<string, { readonly state: PolicyState; readonly until: number }>();
      const isOfKey = (error: unknown): boolean => error instanceof AuthError && error.cause === KEY_FAILURE;
      const kept: (() => void)[] = [];
      const listeners: ((cause: Error) => void)[] = [];

      async function reachFor<Answer>(act: () => Answer): Promise<Answer> {
        if (absence === "refuses") throw limitsUnavailable(new Error("the connection is closed"));
        if (absence === "silent") return new Promise(() => {});
        asked++;
        const answer = act();
        if (latency > 0) await new Promise((resolve) => void setTimeout(resolve, latency));
        if (absence === "late") return new Promise((resolve) => void kept.push(() => resolve(answer)));
        return absence === "unheard" ? new Promise(() => {}) : answer;
      }

      return {
        limiter: {
          async charge(charges) {
            const verdict = await reachFor(() => {
              if (charges.some(({ key }) => broken.has(key))) throw limitsUnavailable(KEY_FAILURE);
              return charge(charges, error);
            });
            for (const [place, one] of charges.entries()) {
              const state = verdict.states[place];
              if (state?.remaining === 0) denied.set(nameOf(one), { state, until: Date.now() + state.resetMs });
            }
            return verdict;
          },
          merge: (told) => reachFor(() => merge(told)),
          probe: () => reachFor(() => tick() + error),
          report: (_servers, what) =>
            reachFor(() => {
              reports[what].add(error);
              return { begun: reports.begun.size, done: reports.done.size };
            }),
          isOfKey,
          ping: () => reachFor(() => "ok" as const),
          recall(charges) {
            for (const [place, one] of charges.entries()) {
              const known = denied.get(nameOf(one));
              if (known !== undefined && Date.now() < known.until) return { denied: place, states: [known.state] };
            }
            return undefined;
          },
        },
        reach: {
          identify: () => reachFor(() => `life ${lives}`),
          uptime: () => reachFor(() => (now() - startedAt) / 1_000_000),
          replace: () => {},
          onLost: (listener) => void listeners.push(listener),
        },
        leave(how) {
          absence = how;
          if (how === "refuses") for (const tell of listeners) tell(new Error("the connection was lost"));
        },
        comeBack() {
          absence = undefined;
          for (const say of kept.splice(0)) say();
        },
        slow(ms) {
          latency = ms;
        },
        breakKey: (key) => void broken.add(key),
        asked: () => asked,
      };
    },

    lose() {
      logs = new Map();
      for (const set of Object.values(reports)) set.clear();
      startedAt = now();
      lives++;
    },
  };
}

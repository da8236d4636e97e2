// A gateway's limiter over a store that can be told how to be, by frozen time.

import { afterEach, beforeEach, vi } from "vitest";
import { createFallbackLimiter, type FallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import type { WhenAway } from "../../../src/core/limiter/when-away.ts";
import type { Charge, Policy, Verdict } from "../../../src/core/ports.ts";
import { createStoreModel, type StoreModel, type Way } from "./store-model.ts";

export const START = 1_764_000_000_000;
export const DEADLINE_MS = 25;
/** A deadline, and the turns that an answer is still waited for. */
export const DEADLINE = DEADLINE_MS + 5;
/** No gateway dates anything at the microsecond of the store's commands. */
export const ASIDE = 0.001;
/** Until the first probe, and until a store that lost everything is trusted. */
export const PROBE = 250;
export const SETTLED = 600;

/** Freezes time in each test of a file. */
export function freezeTime(): void {
  beforeEach(() => void vi.useFakeTimers({ now: START }));
  afterEach(() => void vi.useRealTimers());
}

export const login: Policy = { name: "login", limit: 10, windowMs: 60_000 };
export const replay: Policy = { name: "replay", limit: 1, windowMs: 60_000 };
export const one: readonly Charge[] = [{ policy: login, key: "k" }];

export interface Gateway extends Way {
  readonly gateway: FallbackLimiter;
  readonly heard: string[];
  readonly stillAway: string[];
  readonly decided: string[];
}

export const openStore = (): StoreModel => createStoreModel(() => Date.now() * 1000);

export async function openGateway(
  store: StoreModel,
  { instances = 1, whenAway = "local" }: { instances?: number; whenAway?: WhenAway } = {},
): Promise<Gateway> {
  const way = store.createWay();
  const heard: string[] = [];
  const decided: string[] = [];
  const stillAway: string[] = [];
  const gateway = createFallbackLimiter({
    limiter: way.limiter,
    reach: way.reach,
    whenAway,
    instances,
    deadlineMs: DEADLINE_MS,
    elapsed: () => Date.now() - START,
    startedAt: Date.now() + ASIDE,
    hearing: {
      stillAway: ({ message }) => void stillAway.push(message),
      changed: (change) =>
        heard.push("away" in change ? `away: ${change.away.message}` : `back: ${change.back.logs} logs`),
      decided: (outcome) => decided.push(outcome),
    },
  });
  await gateway.open();
  return { ...way, gateway, heard, stillAway, decided };
}

export async function charge({ gateway }: Gateway, charges = one): Promise<Verdict> {
  const call = gateway.charge(charges, Date.now());
  // A call that is refused in the test is looked at by the test.
  call.catch(() => {});
  await vi.advanceTimersByTimeAsync(0);
  return call;
}

/** How many of so many charges are admitted. */
export async function admit(gateway: Gateway, times: number, charges = one): Promise<number> {
  let admitted = 0;
  for (let turn = 0; turn < times; turn++) if ((await charge(gateway, charges)).denied === -1) admitted++;
  return admitted;
}

// What is admitted while the store is away, over all gateways: the bound, and exactness again within a second.

import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createFallbackLimiter, type FallbackLimiter } from "../../../src/core/limiter/fallback.ts";
import type { Policy } from "../../../src/core/ports.ts";
import { type Absence, createStoreModel, type StoreModel, type Way } from "./store-model.ts";

const START = 1_764_000_000_000;
const WINDOW = 10_000;
/** From a store's return until every decision is its own again. */
const EXACT_AGAIN_MS = 1_000;

beforeEach(() => void vi.useFakeTimers({ now: START }));
afterEach(() => void vi.useRealTimers());

interface Gateway {
  readonly limiter: FallbackLimiter;
  readonly way: Way;
}

async function openGateway(store: StoreModel, instances: number, place: number): Promise<Gateway> {
  const way = store.createWay();
  const limiter = createFallbackLimiter({
    limiter: way.limiter,
    reach: way.reach,
    whenAway: "local",
    instances,
    deadlineMs: 25,
    elapsed: () => Date.now() - START,
    // No two gateways date anything at the same microsecond.
    startedAt: Date.now() + (place + 1) / 1000,
    hearing: { changed: () => {}, stillAway: () => {}, decided: () => {} },
  });
  await limiter.open();
  return { limiter, way };
}

type Step =
  | { readonly do: "charge"; readonly gateway: number; readonly key: string; readonly times: number }
  | { readonly do: "leave"; readonly who: readonly boolean[]; readonly how: Absence }
  | { readonly do: "crash" }
  | { readonly do: "return" }
  | { readonly do: "pass"; readonly ms: number };

const charge = fc.record({
  do: fc.constant("charge" as const),
  gateway: fc.nat({ max: 3 }),
  key: fc.constantFrom("a", "b"),
  times: fc.integer({ min: 1, max: 6 }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: charge },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant("leave" as const),
        who: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        how: fc.constantFrom<Absence>("refuses", "silent", "unheard", "late"),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ do: "crash" as const }) },
    { weight: 2, arbitrary: fc.constant({ do: "return" as const }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant("pass" as const),
        ms: fc.oneof(fc.nat({ max: 400 }), fc.constantFrom(1_000, 1_100, WINDOW - 1_000, WINDOW)),
      }),
    },
  ),
  { minLength: 20, maxLength: 120, size: "max" },
);

interface Admission {
  readonly at: number;
  readonly key: string;
  /** No store was away, nor had been for a second. */
  readonly exact: boolean;
}

async function run(limit: number, instances: number, plan: readonly Step[]): Promise<Admission[]> {
  const policy: Policy = { name: "login", limit, windowMs: WINDOW };
  const store = createStoreModel(() => Date.now() * 1000);
  const gateways = await Promise.all(
    Array.from({ length: instances }, (_, place) => openGateway(store, instances, place)),
  );
  const admissions: Admission[] = [];
  const away = new Set<Gateway>();
  let lastAway = Number.NEGATIVE_INFINITY;
  /** When the store was there again after it lost everything; infinite while it is not. */
  let lost: number | undefined;

  for (const step of plan) {
    if (away.size > 0) lastAway = Date.now();
    if (step.do === "pass") await vi.advanceTimersByTimeAsync(step.ms);
    // A gateway that cannot tell a store that lost everything what it knows is two faults at once: see the decision record.
    const told = lost === undefined || Date.now() - lost > EXACT_AGAIN_MS;
    if (step.do === "crash" || (step.do === "leave" && told)) {
      const leaving = gateways.filter((_, place) => step.do === "crash" || step.who[place]);
      for (const gateway of leaving) away.add(gateway);
      // A server that is started anew has lost its connections to all.
      for (const { way } of leaving) way.leave(step.do === "crash" ? "refuses" : step.how);
      if (step.do === "crash") {
        store.lose();
        lost = Number.POSITIVE_INFINITY;
      }
    }
    if (step.do === "return") {
      for (const { way } of gateways) way.comeBack();
      away.clear();
      if (lost === Number.POSITIVE_INFINITY) lost = Date.now();
    }
    if (step.do === "charge") {
      const { limiter } = gateways[step.gateway % instances] ?? {};
      if (limiter === undefined) throw new RangeError("there is no such gateway");
      for (let turn = 0; turn < step.times; turn++) {
        const exact = away.size === 0 && Date.now() - lastAway > EXACT_AGAIN_MS;
        const call = limiter.charge([{ policy, key: step.key }], Date.now());
        // A call that is not answered is decided within its deadline.
        await vi.advanceTimersByTimeAsync(away.size > 0 ? 30 : 0);
        const { denied } = await call;
        if (denied === -1) admissions.push({ at: Date.now(), key: step.key, exact });
      }
    }
  }
  for (const { limiter } of gateways) limiter.close();
  return admissions;
}

/** How many were admitted before this one in the window that ends with it, itself included. */
function countIn(admissions: readonly Admission[], place: number, slack: number): number {
  const last = admissions[place];
  if (last === undefined) throw new RangeError("there is no such admission");
  return admissions.slice(0, place + 1).filter(({ at, key }) => key === last.key && at > last.at - WINDOW + slack)
    .length;
}

test("admits N + INSTANCES x max(1, floor(N / INSTANCES)) at most, whatever becomes of the store", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(1, 3, 10),
      fc.integer({ min: 1, max: 4 }),
      steps,
      async (limit, instances, plan) => {
        const bound = limit + instances * Math.max(1, Math.floor(limit / instances));
        const admissions = await run(limit, instances, plan);
        for (const place of admissions.keys()) {
          // A decision that took its deadline was made up to 30 ms before it is seen here.
          const count = countIn(admissions, place, 60);
          expect(count).toBeLessThanOrEqual(bound);
          if (admissions[place]?.exact) expect(countIn(admissions, place, 60)).toBeLessThanOrEqual(limit);
        }
      },
    ),
    // To make a failure smaller takes longer than a test has: its seed is enough.
    { numRuns: 60, endOnFailure: true },
  );
}, 60_000);

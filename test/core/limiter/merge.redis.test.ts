// What a gateway tells Redis of its own admissions, on a real Redis: nothing twice, nothing forgotten.

import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, test } from "vitest";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { createShadow, type Shadow, type ShadowLog } from "../../../src/core/limiter/shadow.ts";
import type { SharedLimiter } from "../../../src/core/limiter/shared.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { START, WINDOW } from "../../contracts/limiter-calls.ts";

const redis = new Redis(inject("redisUrl") ?? "", { lazyConnect: true });
afterAll(() => redis.disconnect());

const exact: Policy = { name: "login", limit: 10, windowMs: WINDOW };
const counted: Policy = { name: "address", limit: 300, windowMs: WINDOW };

interface Gateway {
  readonly limiter: SharedLimiter;
  readonly shadow: Shadow;
}

/** Gateways on one Redis, by the caller's clock. */
function openGateways(count: number): { gateways: Gateway[]; lose: () => Promise<void> } {
  const prefix = randomUUID();
  return {
    gateways: Array.from({ length: count }, () => ({
      limiter: createRedisLimiter(redis, { clock: "caller", prefix }),
      shadow: createShadow(1),
    })),
    async lose() {
      const keys = await redis.keys(`${prefix}:*`);
      if (keys.length > 0) await redis.del(...keys);
    },
  };
}

/** Charges through Redis. @returns how many were admitted */
async function charge({ limiter, shadow }: Gateway, policy: Policy, times: readonly number[]): Promise<number> {
  const charges: readonly Charge[] = [{ policy, key: "k" }];
  let admitted = 0;
  for (const now of times) {
    const { denied, receipts } = await limiter.charge(charges, now);
    shadow.record(charges, receipts);
    if (denied === -1) admitted++;
  }
  return admitted;
}

function admitAlone({ shadow }: Gateway, policy: Policy, times: readonly number[]): void {
  for (const now of times) shadow.admit([{ policy, key: "k" }], now * 1000);
}

async function tell({ limiter, shadow }: Gateway, what: "all" | "untold", now: number): Promise<readonly ShadowLog[]> {
  const logs = [...shadow.list(what, now * 1000)];
  const generations = await limiter.merge(logs, now);
  for (const [place, log] of logs.entries()) shadow.told(log, Number(generations[place]));
  return logs;
}

/** What is left of a limit. */
async function remaining({ limiter }: Gateway, policy: Policy, now: number): Promise<number> {
  const { denied, states } = await limiter.charge([{ policy, key: "k" }], now);
  return denied === -1 ? (states[0]?.remaining ?? 0) + 1 : 0;
}

const many = (count: number, from = START): number[] => Array.from({ length: count }, (_, place) => from + place);

describe.for([
  { kind: "an exact log", policy: exact },
  { kind: "a log counted by sub-window", policy: counted },
])("$kind", ({ policy }) => {
  test("that was kept is the same after it is told all, however often", async () => {
    const { gateways } = openGateways(2);
    const [first, second] = gateways;
    if (first === undefined || second === undefined) throw new RangeError("there are two");
    await charge(first, policy, many(3));
    await charge(second, policy, many(4, START + 50));
    for (let turn = 0; turn < 3; turn++) for (const gateway of gateways) await tell(gateway, "all", START + 100);
    expect(await remaining(first, policy, START + 101)).toBe(policy.limit - 7);
  });

  test("that was lost is made again from all who admitted anything", async () => {
    const { gateways, lose } = openGateways(3);
    for (const [place, gateway] of gateways.entries()) await charge(gateway, policy, many(2, START + 10 * place));
    await lose();
    for (let turn = 0; turn < 2; turn++) for (const gateway of gateways) await tell(gateway, "all", START + 100);
    for (const gateway of gateways) expect(await tell(gateway, "untold", START + 100)).toEqual([]);
    const [first] = gateways;
    if (first === undefined) throw new RangeError("there are three");
    expect(await remaining(first, policy, START + 101)).toBe(policy.limit - 6);
  });

  test("is told once of what was admitted without it", async () => {
    const { gateways } = openGateways(2);
    const [first, second] = gateways;
    if (first === undefined || second === undefined) throw new RangeError("there are two");
    await charge(first, policy, many(2));
    admitAlone(first, policy, many(2, START + 10));
    admitAlone(second, policy, many(3, START + 20));
    for (const gateway of gateways) await tell(gateway, "untold", START + 100);
    for (const gateway of gateways) expect(await tell(gateway, "untold", START + 100)).toEqual([]);
    expect(await remaining(first, policy, START + 101)).toBe(policy.limit - 7);
  });

  test("forgets what it was told once that leaves the window, and goes by itself", async () => {
    const { gateways } = openGateways(1);
    const [gateway] = gateways;
    if (gateway === undefined) throw new RangeError("there is one");
    admitAlone(gateway, policy, many(5));
    await tell(gateway, "untold", START + 100);
    expect(await remaining(gateway, policy, START + WINDOW + WINDOW / 32)).toBe(policy.limit);
  });

  test("has nothing ahead of its clock, whatever it was told", async () => {
    const { gateways } = openGateways(1);
    const [gateway] = gateways;
    if (gateway === undefined) throw new RangeError("there is one");
    admitAlone(gateway, policy, many(5, START + 30_000));
    await gateway.limiter.merge([...gateway.shadow.list("untold", (START + 30_000) * 1000)], START);
    expect(await remaining(gateway, policy, START + 1)).toBe(policy.limit - 5);
    expect(await remaining(gateway, policy, START + WINDOW + WINDOW / 32)).toBe(policy.limit);
  });
});

test("of more than the limit the newest decide when there is room", async () => {
  const { gateways } = openGateways(1);
  const [gateway] = gateways;
  if (gateway === undefined) throw new RangeError("there is one");
  const policy = { ...exact, limit: 3 };
  await charge(gateway, policy, many(3));
  admitAlone(gateway, policy, many(2, START + 1_000));
  await tell(gateway, "untold", START + 2_000);
  // Five are in the window: the third of them, at START + 2, must leave before one is admitted.
  const { denied, states } = await gateway.limiter.charge([{ policy, key: "k" }], START + 2_000);
  expect([denied, states[0]?.resetMs]).toEqual([0, WINDOW - 1_998]);
});

test("a key that holds something else is left as it is, and keeps no other from being told", async () => {
  const prefix = randomUUID();
  const limiter = createRedisLimiter(redis, { clock: "caller", prefix });
  const shadow = createShadow(1);
  await redis.hset(`${prefix}:login:{odd}`, "field", "value");
  for (const key of ["odd", "even"]) shadow.admit([{ policy: exact, key }], START * 1000);
  await limiter.merge([...shadow.list("untold", START * 1000)], START);
  expect(await redis.hgetall(`${prefix}:login:{odd}`)).toEqual({ field: "value" });
  await redis.del(`${prefix}:login:{odd}`);
  const { states } = await limiter.charge([{ policy: exact, key: "even" }], START + 1);
  expect(states[0]?.remaining).toBe(8);
});

test("hundreds of logs are told in one call", async () => {
  const { gateways } = openGateways(1);
  const [gateway] = gateways;
  if (gateway === undefined) throw new RangeError("there is one");
  const keys = Array.from({ length: 234 }, (_, place) => `k${place}`);
  for (const key of keys) gateway.shadow.admit([{ policy: exact, key }], START * 1000);
  expect(await tell(gateway, "untold", START)).toHaveLength(234);
  for (const key of ["k0", "k49", "k50", "k199", "k200", "k233"]) {
    const { states } = await gateway.limiter.charge([{ policy: exact, key }], START + 1);
    expect(states[0]?.remaining).toBe(8);
  }
});

test("whatever is lost and whoever tells it, what was admitted in the window counts once", async () => {
  const events = fc.array(
    fc.record({
      gateway: fc.nat({ max: 1 }),
      what: fc.constantFrom("charge", "alone", "lose", "tell"),
      after: fc.nat({ max: 20_000 }),
    }),
    { minLength: 5, maxLength: 30 },
  );
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom(exact, counted), async (plan, policy) => {
      const { gateways, lose } = openGateways(2);
      const admitted: number[] = [];
      let now = START;
      let lost = false;
      for (const { gateway: place, what, after } of plan) {
        now += after + 1;
        const gateway = gateways[place];
        if (gateway === undefined) throw new RangeError("there are two");
        if (what === "lose") {
          await lose();
          lost = true;
        }
        if (what === "tell" || (what === "charge" && lost)) {
          // No store that lost everything is asked before all have told it.
          for (const each of gateways) await tell(each, lost ? "all" : "untold", now);
          lost = false;
        }
        if (what === "charge" && (await charge(gateway, policy, [now])) === 1) admitted.push(now);
        if (what === "alone") {
          admitAlone(gateway, policy, [now]);
          admitted.push(now);
        }
      }
      for (const each of gateways) await tell(each, lost ? "all" : "untold", now);
      const first = gateways[0];
      if (first === undefined) throw new RangeError("there are two");
      const left = await remaining(first, policy, now);
      const inside = (span: number): number => admitted.filter((at) => at > now - span).length;
      // Sub-windows count an admission for up to one of them longer.
      expect(left).toBeLessThanOrEqual(Math.max(0, policy.limit - inside(WINDOW)));
      const longest = policy === exact ? WINDOW : WINDOW + WINDOW / 32;
      expect(left).toBeGreaterThanOrEqual(Math.max(0, policy.limit - inside(longest)));
    }),
    { numRuns: 30 },
  );
}, 60_000);

// The limiter on a real Redis: the Limiter contract, what it writes, and what it sends.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { createRedisLimiter, isErrorOfKey, type RedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { chargeTimes, limiterContract, START, WINDOW } from "../../contracts/limiter.ts";
import { startRedis } from "../../redis/server.ts";

const redis = new Redis(inject("redisUrl") ?? "", { lazyConnect: true });
afterAll(() => redis.disconnect());

/** A limiter with its own keys: other tests share the Redis. */
const create = (prefix: string = randomUUID(), elapsed = (): number => 0): RedisLimiter =>
  createRedisLimiter(redis, { clock: "caller", elapsed, prefix });

limiterContract("redis", create, { operations: 20_000, perMs: 1_000 });

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };

describe("a log in Redis", () => {
  const times = (count: number): number[] =>
    Array<number>(count)
      .fill(START)
      .map((start, index) => start + index);

  test("takes 64 bytes for ten admissions, and 240 in all", async () => {
    const prefix = randomUUID().slice(0, 2);
    const key = randomUUID();
    await chargeTimes(create(prefix), login, times(10), key);
    expect(await redis.strlen(`${prefix}:l:{=${key}}`)).toBe(64);
    expect(await redis.memory("USAGE", `${prefix}:l:{=${key}}`)).toBeLessThanOrEqual(240);
  });

  test("expires when its last admission leaves the window", async () => {
    const prefix = randomUUID();
    await chargeTimes(create(prefix), login, times(2));
    const left = await redis.pttl(`${prefix}:l:{=k}`);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(WINDOW);
  });

  test("is not written by a denial", async () => {
    const prefix = randomUUID();
    await chargeTimes(create(prefix), login, times(10));
    await redis.persist(`${prefix}:l:{=k}`);
    expect(await chargeTimes(create(prefix), login, [START + 20])).toEqual([]);
    // A write would set the TTL again.
    expect(await redis.pttl(`${prefix}:l:{=k}`)).toBe(-1);
  });

  test("never replaces another program's value, and the error names the key", async () => {
    const prefix = randomUUID();
    for (const value of ["none", "x".repeat(11)]) {
      await redis.set(`${prefix}:l:{=k}`, value);
      const error = await create(prefix)
        .charge([{ policy: login, key: "k" }], START)
        .catch((cause: unknown) => cause);
      expect([isErrorOfKey(error), await redis.get(`${prefix}:l:{=k}`)]).toEqual([true, value]);
    }
  });
});

test("a call is one EVALSHA, also after Redis has forgotten its scripts", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const own = new Redis(server.url);
  onTestFinished(() => own.disconnect());
  const limiter = createRedisLimiter(own, { elapsed: () => 0 });
  const charges: readonly Charge[] = [login, { ...login, name: "failure" as const }].map((policy) => ({
    policy,
    key: "k",
  }));
  await limiter.charge(charges, 0);
  // ioredis sends the whole script if it is not loaded.
  await own.script("FLUSH");
  await own.config("RESETSTAT");
  for (let turn = 0; turn < 5; turn++) await limiter.charge(charges, 0);
  const stats = await own.info("commandstats");
  const calls = [...stats.matchAll(/cmdstat_(eval|evalsha):calls=(\d+)/g)].map(([, name, count]) => `${name} ${count}`);
  expect(calls.sort()).toEqual(["eval 1", "evalsha 5"]);
});

describe("a denial that is known", () => {
  test("is repeated without a round trip until a slot is freed, under this limit only", async () => {
    let elapsed = 0;
    const limiter = create(randomUUID(), () => elapsed);
    const charge: Charge = { policy: { ...login, limit: 2 }, key: "k" };
    expect(limiter.recall([charge])).toBeUndefined();
    for (const now of [START, START + 10]) await limiter.charge([charge], now);
    elapsed = 1_000;
    expect(limiter.recall([charge])).toMatchObject({ denied: 0, states: [{ remaining: 0 }] });
    expect(limiter.recall([{ ...charge, policy: login }])).toBeUndefined();
    await limiter.charge([charge], START + 20);
    elapsed += WINDOW;
    expect(limiter.recall([charge])).toBeUndefined();
  });

  test("is not cached for a used proof: its answer needs the state of login", async () => {
    const limiter = create();
    const charge: Charge = { policy: { ...login, name: "replay", limit: 1 }, key: "k" };
    await limiter.charge([charge], START);
    expect(limiter.recall([charge])).toBeUndefined();
  });
});

describe("a clock of Redis that steps", () => {
  /** Two gateways on one Redis. Setting the offset steps its clock. */
  function open(): { gateways: readonly [RedisLimiter, RedisLimiter]; prefix: string; step: (ms: number) => unknown } {
    const prefix = randomUUID();
    const elapsed = (): number => performance.now();
    const create = (): RedisLimiter => createRedisLimiter(redis, { prefix, elapsed, isOneServer: true });
    return {
      gateways: [create(), create()],
      prefix,
      step: async (ms) => redis.set(`${prefix}:clock`, Number(await redis.get(`${prefix}:clock`)) + ms * 1_000),
    };
  }

  async function admit(limiter: RedisLimiter, count: number): Promise<number> {
    const charges = [{ policy: login, key: "k" }];
    const verdicts = await Promise.all(Array.from({ length: count }, () => limiter.charge(charges, 0)));
    return verdicts.filter(({ denied }) => denied === -1).length;
  }

  test.for([
    { name: "forward", steps: [600_000] },
    { name: "back and forward again", steps: [-600_000, 600_000] },
  ])("$name frees no slot, at either gateway", async ({ steps }) => {
    const { gateways, step } = open();
    for (const gateway of gateways) await gateway.probe(0);
    const [last = 0, ...others] = steps.toReversed();
    for (const ms of others) {
      await step(ms);
      for (const gateway of gateways) await gateway.probe(0);
    }
    expect(await admit(gateways[0], 12)).toBe(10);
    await step(last);
    for (const gateway of gateways.toReversed()) expect(await admit(gateway, 5)).toBe(0);
  });

  test("is corrected once, with charges under way at both gateways", async () => {
    const { gateways, prefix, step } = open();
    for (const gateway of gateways) await gateway.probe(0);
    expect(await admit(gateways[0], 4)).toBe(4);
    await step(600_000);
    const counts = await Promise.all(gateways.map((gateway) => admit(gateway, 20)));
    expect(counts.reduce((sum, count) => sum + count)).toBe(6);
    expect(Math.abs(Number(await redis.get(`${prefix}:clock`)))).toBeLessThan(1_000_000);
  });

  test("still finds the logs of admitted logins", async () => {
    const { gateways, prefix } = open();
    await gateways[0].charge(
      [
        { policy: login, key: "k" },
        { policy: { ...login, name: "replay", limit: 1 }, key: "k" },
      ],
      0,
    );
    await gateways[0].charge([{ policy: { ...login, name: "failure" }, key: "k" }], 0);
    for (const name of ["l", "r"]) expect(await redis.pttl(`${prefix}:${name}:{=k}`)).toBeGreaterThan(WINDOW + 600_000);
    // Strangers can create any number of these keys.
    expect(await redis.pttl(`${prefix}:f:{=k}`)).toBeLessThanOrEqual(WINDOW);
  });
});

// The limiter on a real Redis: the Limiter contract, what it writes, and what it sends.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, onTestFinished, test } from "vitest";
import {
  ClockStepError,
  createRedisLimiter,
  isErrorOfKey,
  type RedisLimiter,
} from "../../../src/core/limiter/redis.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { chargeTimes, limiterContract, START, WINDOW } from "../../contracts/limiter.ts";
import { startRedis } from "../../redis/server.ts";

const redis = new Redis(inject("redisUrl") ?? "", { lazyConnect: true });
afterAll(() => redis.disconnect());

/** A limiter that has its keys to itself: the Redis is shared with other tests. */
const create = (prefix: string = randomUUID()): RedisLimiter => createRedisLimiter(redis, { clock: "caller", prefix });

limiterContract("redis", create, { operations: 20_000, perMs: 1_000 });

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };

describe("a log in Redis", () => {
  const times = (count: number): number[] =>
    Array<number>(count)
      .fill(START)
      .map((start, place) => start + place);

  test("takes 64 bytes for ten admissions, and 240 in all", async () => {
    const prefix = randomUUID().slice(0, 2);
    const key = randomUUID();
    await chargeTimes(create(prefix), login, times(10), key);
    expect(await redis.strlen(`${prefix}:l:{=${key}}`)).toBe(64);
    expect(await redis.memory("USAGE", `${prefix}:l:{=${key}}`)).toBeLessThanOrEqual(240);
  });

  test("goes by itself when its last admission leaves the window", async () => {
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
    // A write would set a time to live again.
    expect(await redis.pttl(`${prefix}:l:{=k}`)).toBe(-1);
  });

  test("is not touched where a key holds another program's value, which the error names", async () => {
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

test("of 64 concurrent charges over four connections exactly the limit is admitted, by Redis's own clock", async () => {
  const prefix = randomUUID();
  const connections = Array.from({ length: 4 }, () => new Redis(inject("redisUrl") ?? ""));
  onTestFinished(() => {
    for (const one of connections) one.disconnect();
  });
  const limiters = connections.map((one) => createRedisLimiter(one, { prefix }));
  // Each caller's clock is wrong in its own way.
  const verdicts = await Promise.all(
    Array.from({ length: 64 }, (_, place) => limiters[place % 4]?.charge([{ policy: login, key: "k" }], place * 1e12)),
  );
  expect(verdicts.filter((verdict) => verdict?.denied === -1)).toHaveLength(10);
});

test("a call is one EVALSHA, also after Redis has forgotten its scripts", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const own = new Redis(server.url);
  onTestFinished(() => own.disconnect());
  const limiter = createRedisLimiter(own);
  const charges: readonly Charge[] = [login, { ...login, name: "replay" as const, limit: 1 }].map((policy) => ({
    policy,
    key: "k",
  }));
  const calls = async (): Promise<string> => {
    const stats = await own.info("commandstats");
    return [...stats.matchAll(/cmdstat_(eval|evalsha):calls=(\d+)/g)]
      .map(([, name, count]) => `${name} ${count}`)
      .sort()
      .join(", ");
  };
  await limiter.charge(charges.slice(0, 1), 0);
  await limiter.charge(charges, 0);
  // ioredis sends a script whole where it is not loaded.
  await own.script("FLUSH");
  await own.config("RESETSTAT");
  for (let turn = 0; turn < 5; turn++) await limiter.charge(charges, 0);
  expect(await calls()).toBe("eval 1, evalsha 5");
});

describe("a denial that is known", () => {
  test("is told without a round trip until a slot is freed, and under this limit alone", async () => {
    let elapsed = 0;
    const limiter = createRedisLimiter(redis, { clock: "caller", prefix: randomUUID(), elapsed: () => elapsed });
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

  test("is not kept of a used proof, whose answer tells the state of login", async () => {
    const limiter = createRedisLimiter(redis, { clock: "caller", prefix: randomUUID(), elapsed: () => 0 });
    const charge: Charge = { policy: { ...login, name: "replay", limit: 1 }, key: "k" };
    await limiter.charge([charge], START);
    expect(limiter.recall([charge])).toBeUndefined();
  });
});

test("a clock of Redis that steps forward is noticed before anything is decided by it, and once", async () => {
  let elapsed = 10_000;
  const limiter = createRedisLimiter(redis, { prefix: randomUUID(), elapsed: () => elapsed, isOneServer: true });
  const remaining = async (): Promise<unknown> =>
    (await limiter.charge([{ policy: login, key: "k" }], 0)).states[0]?.remaining;
  expect(await remaining()).toBe(9);
  // Redis's clock is five seconds ahead of where it should be by this process's.
  elapsed -= 5_000;
  const both = await Promise.allSettled([remaining(), remaining()]);
  expect(both.map((one) => one.status === "rejected" && one.reason instanceof ClockStepError)).toEqual([true, true]);
  expect(limiter.steppedAt()).toBe(5_000);
  expect(await remaining()).toBe(8);
  // A step backward is the script's to deal with.
  elapsed += 60_000;
  expect(await remaining()).toBe(7);
});

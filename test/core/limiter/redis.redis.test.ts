// The limiter on a real Redis: against the Limiter contract, and against the limiter in the process.

import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, test } from "vitest";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Limiter } from "../../../src/core/ports.ts";
import { limiterContract } from "../../contracts/limiter.ts";
import { chargeTimes, START, WINDOW } from "../../contracts/limiter-calls.ts";
import { operations, walk } from "../../contracts/limiter-model.ts";

const redis = new Redis(inject("redisUrl") ?? "", { lazyConnect: true });
afterAll(() => redis.disconnect());

/** A limiter that has its keys to itself: the Redis is shared with other tests. */
const createFrozen = (): Limiter => createRedisLimiter(redis, { clock: "caller", prefix: randomUUID() });

limiterContract("redis", createFrozen);

test("Redis and memory agree on every verdict and state of random operations", async () => {
  await fc.assert(
    fc.asyncProperty(operations, (steps) => walk(steps, createFrozen(), createMemoryLimiter(1_000))),
    { numRuns: 50 },
  );
});

describe("a log in Redis", () => {
  const policy = { name: "login", limit: 10, windowMs: WINDOW } as const;

  test("takes 44 bytes for ten admissions", async () => {
    const prefix = randomUUID().slice(0, 2);
    const key = randomUUID();
    const limiter = createRedisLimiter(redis, { clock: "caller", prefix });
    await chargeTimes(limiter, policy, Array(10).fill(START), key);
    expect(await redis.strlen(`${prefix}:login:{${key}}`)).toBe(44);
    const usage = await redis.memory("USAGE", `${prefix}:login:{${key}}`);
    process.stdout.write(`Redis: ${usage} bytes for a device with ten admissions, its key of 47 bytes included\n`);
    expect(usage).toBeLessThan(256);
  });

  test("goes by itself when its last admission leaves the window", async () => {
    const prefix = randomUUID();
    const limiter = createRedisLimiter(redis, { clock: "caller", prefix });
    await chargeTimes(limiter, policy, [START, START + 1_000]);
    const left = await redis.pttl(`${prefix}:login:{k}`);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(WINDOW);
  });

  test("is not written by what is denied", async () => {
    const prefix = randomUUID();
    const limiter = createRedisLimiter(redis, { clock: "caller", prefix });
    await chargeTimes(limiter, policy, Array(10).fill(START));
    const before = await redis.getBuffer(`${prefix}:login:{k}`);
    await redis.persist(`${prefix}:login:{k}`);
    expect(await chargeTimes(limiter, policy, [START + 1])).toEqual(["denied"]);
    expect(await redis.getBuffer(`${prefix}:login:{k}`)).toEqual(before);
    // A write would have set a time to live again.
    expect(await redis.pttl(`${prefix}:login:{k}`)).toBe(-1);
  });

  test("is its own under each prefix", async () => {
    await chargeTimes(createFrozen(), policy, Array(10).fill(START));
    expect(await chargeTimes(createFrozen(), policy, [START])).toEqual(["admitted"]);
  });
});

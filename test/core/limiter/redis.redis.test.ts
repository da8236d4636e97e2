// The limiter on a real Redis: its contract, memory and round trips.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, describe, expect, inject, onTestFinished, test } from "vitest";
import { createRedisLimiter, isErrorOfKey, type RedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { chargeTimes, limiterContract, START, WINDOW } from "../../contracts/limiter.ts";
import { startRedis } from "../../redis/server.ts";
import { race } from "./race.ts";

const redis = new Redis(inject("redisUrl") ?? "", { lazyConnect: true });
afterAll(() => redis.disconnect());

/** A limiter with its own keys: other tests share the Redis. */
const create = (prefix: string = randomUUID(), elapsed = (): number => 0): RedisLimiter =>
  createRedisLimiter(redis, { clock: "caller", elapsed, prefix });

limiterContract("redis", create, { operations: 20_000, perMs: 1_000 });

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };

describe("a log in Redis", () => {
  const limiter = create("cs");

  /** Writes a log. @returns its key, and the key's name in Redis */
  async function fill(admissions: number): Promise<{ key: string; name: string }> {
    const key = randomUUID();
    const times = Array.from({ length: admissions }, (_, index) => START + index);
    await chargeTimes(limiter, login, times, key);
    return { key, name: `cs:l:{=${key}}` };
  }

  test("takes 64 bytes for ten admissions, and 240 in all", async () => {
    const { name } = await fill(10);
    expect(await redis.strlen(name)).toBe(64);
    expect(await redis.memory("USAGE", name)).toBeLessThanOrEqual(240);
  });

  test("expires when its last admission leaves the window", async () => {
    const left = await redis.pttl((await fill(2)).name);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(WINDOW);
  });

  test("is not written by a denial", async () => {
    const { key, name } = await fill(10);
    await redis.persist(name);
    expect(await chargeTimes(limiter, login, [START + 20], key)).toEqual([]);
    // A write would set the TTL again.
    expect(await redis.pttl(name)).toBe(-1);
  });

  test("never replaces another program's value, and the error names the key", async () => {
    const { key, name } = await fill(0);
    for (const value of ["none", "x".repeat(11)]) {
      await redis.set(name, value, "PX", WINDOW);
      const error = await chargeTimes(limiter, login, [START], key).catch((cause: unknown) => cause);
      expect([isErrorOfKey(error), await redis.get(name)]).toEqual([true, value]);
    }
  });
});

test("a call is one EVALSHA, also after Redis has forgotten its scripts", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const own = new Redis(server.url);
  onTestFinished(() => own.disconnect());
  const limiter = createRedisLimiter(own, { elapsed: () => 0 });
  const charges: readonly Charge[] = [
    { policy: login, key: "k" },
    { policy: { ...login, name: "failure" }, key: "k" },
  ];
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
  /** Two gateways on one Redis, which know its clock. Setting the offset steps that clock. */
  async function open() {
    const prefix = randomUUID();
    const create = () => createRedisLimiter(redis, { prefix, elapsed: () => performance.now(), isOneServer: true });
    const gateways = [create(), create()] as const;
    const probe = () => Promise.all(gateways.map((gateway) => gateway.probe(0)));
    const offset = async () => Number(await redis.get(`${prefix}:clock`));
    const step = async (ms: number) => redis.set(`${prefix}:clock`, (await offset()) + ms * 1_000);
    await probe();
    return { gateways, prefix, probe, offset, step };
  }

  const admit = async (limiter: RedisLimiter, count: number): Promise<number> =>
    (await chargeTimes(limiter, login, Array<number>(count).fill(0))).length;

  test.for([0, -600_000])("forward frees no slot, at either gateway, also after a step of %d ms", async (earlier) => {
    const { gateways, step, probe } = await open();
    await step(earlier);
    await probe();
    expect(await admit(gateways[0], 12)).toBe(10);
    await step(600_000);
    for (const gateway of gateways.toReversed()) expect(await admit(gateway, 5)).toBe(0);
  });

  test("is corrected once, with charges under way at both gateways", async () => {
    const { gateways, offset, step } = await open();
    expect(await admit(gateways[0], 4)).toBe(4);
    await step(600_000);
    const counts = await Promise.all(gateways.map((gateway) => admit(gateway, 20)));
    expect(counts.reduce((sum, count) => sum + count)).toBe(6);
    expect(Math.abs(await offset())).toBeLessThan(1_000_000);
  });

  test("still finds the logs of admitted logins", async () => {
    const { gateways, prefix } = await open();
    const chargesOf = (...policies: readonly Policy[]) => policies.map((policy) => ({ policy, key: "k" }));
    await gateways[0].charge(chargesOf(login, { ...login, name: "replay", limit: 1 }), 0);
    await gateways[0].charge(chargesOf({ ...login, name: "failure" }), 0);
    for (const name of ["l", "r"]) expect(await redis.pttl(`${prefix}:${name}:{=k}`)).toBeGreaterThan(WINDOW + 600_000);
    // Strangers can create any number of these keys.
    expect(await redis.pttl(`${prefix}:f:{=k}`)).toBeLessThanOrEqual(WINDOW);
  });
});

test.for([
  { keys: 1, limit: 10, windowMs: 20 },
  { keys: 10, limit: 10, windowMs: 60 },
  { keys: 1, limit: 300, windowMs: 512 },
])("two processes decide as one window of $limit would, over $keys keys", async ({ keys, ...window }) => {
  const policy = { name: "login", ...window } as const;
  const report = await race({ redisUrl: inject("redisUrl") ?? "", processes: 2, decisions: 2_000, keys, policy });
  expect(report).toMatchObject({ decisions: 2_000, overAdmissions: 0, falseDenials: 0 });
  // The limit was reached; otherwise the race would prove nothing.
  expect(report.admitted).toBeLessThan(report.decisions);
});

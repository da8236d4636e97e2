// The limiter on a real Redis: many processes at once, one round trip a call, and a Redis that goes away.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { Redis } from "ioredis";
import { expect, inject, onTestFinished, test } from "vitest";
import { connectRedis } from "../../../src/core/limiter/connection.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../../../src/core/limiter/redis-url.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { startRedis } from "../../redis/server.ts";
import { refusalFrom } from "../refusal.ts";
import { openCounted } from "./counted-redis.ts";

const login: Policy = { name: "login", limit: 10, windowMs: 60_000 };
const three: readonly Charge[] = [
  { policy: { ...login, name: "address", limit: 300 }, key: "k" },
  { policy: login, key: "k" },
  { policy: { ...login, name: "replay", limit: 1 }, key: "k" },
];
const NOW = 1_764_000_000_000;

function connect(url = inject("redisUrl") ?? ""): Redis {
  const redis = new Redis(url);
  onTestFinished(() => redis.disconnect());
  return redis;
}

test("of 64 concurrent charges over four connections exactly the limit is admitted, by Redis's own clock", async () => {
  const prefix = randomUUID();
  const limiters = Array.from({ length: 4 }, () => createRedisLimiter(connect(), { prefix }));
  // Each caller's clock is wrong in its own way, which must not matter.
  const verdicts = await Promise.all(
    Array.from({ length: 16 }).flatMap((_, round) =>
      limiters.map((limiter, place) => limiter.charge([{ policy: login, key: "k" }], place * 1e12 + round)),
    ),
  );
  expect(verdicts.filter(({ denied }) => denied === -1)).toHaveLength(10);
  const remaining = verdicts.filter(({ denied }) => denied === -1).map(({ states }) => states[0]?.remaining ?? -1);
  expect(remaining.sort((one, other) => one - other)).toEqual([...Array(10).keys()]);
});

test("a call is one EVALSHA, whatever the number of its charges", async () => {
  const prefix = randomUUID();
  // Of its own: a server that others keep busy tells of commands before it says that it will, which ioredis takes for broken.
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = connect(server.url);
  const limiter = createRedisLimiter(redis, { prefix });
  for (const count of [1, 2, 3]) await limiter.charge(three.slice(0, count), NOW);

  const monitor = await connect(server.url).monitor();
  onTestFinished(() => monitor.disconnect());
  const seen: string[] = [];
  const sentinel = `${prefix} done`;
  const done = new Promise<void>((resolve) => {
    monitor.on("monitor", (_time: string, args: string[], source: string) => {
      if (args.includes(sentinel)) resolve();
      // What the script itself calls costs no round trip.
      else if (source !== "lua" && args.some((text) => text.startsWith(prefix)))
        seen.push(args[0]?.toLowerCase() ?? "");
    });
  });
  for (const count of [1, 2, 3]) await limiter.charge(three.slice(0, count), NOW);
  await redis.echo(sentinel);
  await done;
  expect(seen).toEqual(["evalsha", "evalsha", "evalsha"]);
});

test("a Redis that forgot its scripts is told them again", async () => {
  const redis = connect();
  const limiter = createRedisLimiter(redis, { prefix: randomUUID() });
  await limiter.charge(three, NOW);
  await redis.script("FLUSH");
  const { denied, states } = await limiter.charge(three, NOW);
  expect(denied).toBe(2);
  expect(states.map((state) => state?.remaining)).toEqual([299, 9, 0]);
});

test("a Redis that is not there gives unavailable, with a wait", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("a TCP server has a port");
  server.close();
  await once(server, "close");

  const errors: Error[] = [];
  const url = parseRedisUrl(`redis://127.0.0.1:${address.port}`);
  const redis = await connectRedis(url, { away: (error) => errors.push(error) });
  onTestFinished(redis.close);
  const limiter = createRedisLimiter(redis.client);
  const refusal = await refusalFrom(limiter.charge(three, NOW));
  expect(refusal.reason).toBe("unavailable");
  expect(refusal.message).toBe("the limits cannot be checked now. Try again later");
  expect(refusal.particulars).toEqual({ retryAfterMs: 5_000 });
  await expect(limiter.ping()).rejects.toThrow();
  expect(errors).toHaveLength(1);
});

test("a Redis that goes away gives unavailable", async () => {
  const redis = connect();
  const limiter = createRedisLimiter(redis, { prefix: randomUUID() });
  await limiter.charge(three, NOW);
  redis.disconnect();
  expect((await refusalFrom(limiter.charge(three, NOW))).reason).toBe("unavailable");
});

test("a key that holds something else gives unavailable, and is left as it is", async () => {
  const prefix = randomUUID();
  const redis = connect();
  const limiter = createRedisLimiter(redis, { prefix });
  await redis.hset(`${prefix}:login:{k}`, "field", "value");
  onTestFinished(async () => void (await redis.del(`${prefix}:login:{k}`)));
  expect((await refusalFrom(limiter.charge(three, NOW))).reason).toBe("unavailable");
  expect(await redis.hgetall(`${prefix}:login:{k}`)).toEqual({ field: "value" });
  expect(await redis.exists(`${prefix}:address:{k}`, `${prefix}:replay:{k}`)).toBe(0);
});

test("a flood on a spent limit makes no more calls of Redis than admissions and freed slots", async () => {
  const prefix = randomUUID();
  const { redis, calls } = openCounted("charge2");
  let now = 1_000;
  const limiter = createRedisLimiter(redis, { prefix, elapsed: () => now });
  const charges: readonly Charge[] = [
    { policy: { ...login, name: "address", limit: 6_000 }, key: "a" },
    { policy: { ...login, limit: 3 }, key: "d" },
  ];
  const denied: number[] = [];
  for (let turn = 0; turn < 1_000; turn++) denied.push((await limiter.charge(charges, NOW)).denied);
  expect(denied.filter((place) => place === -1)).toHaveLength(3);
  expect(new Set(denied.slice(3))).toEqual(new Set([1]));
  // One for each admission: the last of them says that nothing is left.
  expect(calls()).toBe(3);
  const { states } = await limiter.charge(charges, NOW);
  expect(states).toEqual([undefined, { policy: charges[1]?.policy, remaining: 0, resetMs: expect.any(Number) }]);

  // A clock that runs by itself brings the slot; asking again costs one call.
  now += 60_000;
  await limiter.charge(charges, NOW);
  expect(calls()).toBe(4);
  // A step of the caller's clock is nothing to it.
  await limiter.charge(charges, NOW - 86_400_000);
  expect(calls()).toBe(4);
});

test("what Redis comes to when nobody waits any more is not decided", async () => {
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = new Redis(server.url);
  onTestFinished(() => redis.disconnect());
  const limiter = createRedisLimiter(redis, { elapsed: () => performance.now(), deadlineMs: 150 });
  await limiter.charge([{ policy: login, key: "k" }], NOW);
  server.pause();
  const stoppedAt = performance.now();
  const late = limiter.charge([{ policy: login, key: "k" }], NOW);
  await expect.poll(() => performance.now() - stoppedAt).toBeGreaterThan(400);
  server.resume();
  expect((await refusalFrom(late)).reason).toBe("unavailable");
  const { states } = await limiter.charge([{ policy: login, key: "k" }], NOW);
  expect(states[0]?.remaining).toBe(8);
});

test("a clock of Redis's that is another than it was taken for is learnt, and the charge decided once", async () => {
  const redis = connect();
  // By a clock of ours that stands still Redis's seems to run ahead.
  const limiter = createRedisLimiter(redis, { prefix: randomUUID(), elapsed: () => 0, deadlineMs: 150 });
  await limiter.charge([{ policy: login, key: "k" }], NOW);
  const startedAt = performance.now();
  await expect.poll(() => performance.now() - startedAt).toBeGreaterThan(400);
  const { denied, states } = await limiter.charge([{ policy: login, key: "k" }], NOW);
  expect([denied, states[0]?.remaining]).toEqual([-1, 8]);
});

test.for(["xyz", "+abcdefgh", "1234567", "12345678901234567890123456789"])(
  "a key that holds %j is no log: it is left as it is, and told to be of the key",
  async (value) => {
    const prefix = randomUUID();
    const redis = connect();
    const limiter = createRedisLimiter(redis, { prefix });
    await redis.set(`${prefix}:login:{k}`, value, "EX", 60);
    const failure: unknown = await limiter.charge(three, NOW).catch((error: unknown) => error);
    expect(limiter.isOfKey(failure)).toBe(true);
    expect(await redis.get(`${prefix}:login:{k}`)).toBe(value);
    const told = { policy: login, key: "k", generation: 0, admissions: [{ at: NOW * 1000, count: 1, untold: 1 }] };
    expect(await limiter.merge([told], NOW)).toEqual([0]);
    expect(await redis.get(`${prefix}:login:{k}`)).toBe(value);
  },
);

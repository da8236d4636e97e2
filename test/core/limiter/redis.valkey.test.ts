// The limiter on a real Valkey: against the Limiter contract, by Valkey's own clock, and over a restart.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { connectRedis, type RedisClient } from "../../../src/core/limiter/connection.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../../../src/core/limiter/redis-url.ts";
import { limiterContract } from "../../contracts/limiter.ts";
import { type RedisServer, startRedis } from "../../redis/server.ts";

let server: RedisServer;
let valkey: RedisClient;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  server = await startRedis({ binary: "valkey-server" });
  cleanup.defer(server.stop);
  const connection = await connectRedis(parseRedisUrl(server.url), { away: () => {} });
  cleanup.defer(connection.close);
  valkey = connection.client;
});
afterAll(() => cleanup.disposeAsync());

limiterContract("valkey", () => createRedisLimiter(valkey, { clock: "caller", prefix: randomUUID() }));

test("it is Valkey, and of 64 concurrent charges exactly the limit is admitted by its own clock", async () => {
  expect(await server.info("server_name")).toBe("valkey");
  const limiter = createRedisLimiter(valkey, { prefix: randomUUID() });
  const policy = { name: "login", limit: 10, windowMs: 60_000 } as const;
  const verdicts = await Promise.all(
    Array.from({ length: 64 }, (_, place) => limiter.charge([{ policy, key: "k" }], place * 1e12)),
  );
  expect(verdicts.filter(({ denied }) => denied === -1)).toHaveLength(10);
});

test("a Valkey that is killed and comes back is another, and is reached by itself", async () => {
  const own = await startRedis({ binary: "valkey-server" });
  onTestFinished(own.stop);
  const connection = await connectRedis(parseRedisUrl(own.url), { away: () => {} });
  onTestFinished(connection.close);
  const before = await connection.identify();
  await own.restart();
  await expect.poll(() => connection.identify().catch(() => before), { timeout: 5_000, interval: 10 }).not.toBe(before);
});

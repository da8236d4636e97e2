// The limiter on a real Valkey, against the Limiter contract.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll, beforeAll } from "vitest";
import { createRedisLimiter, type RedisLimiter } from "../../../src/core/limiter/redis.ts";
import { limiterContract } from "../../contracts/limiter.ts";
import { startRedis } from "../../redis/server.ts";

let valkey: Redis;
const cleanup = new AsyncDisposableStack();

beforeAll(async () => {
  const server = await startRedis({ binary: "valkey-server" });
  cleanup.defer(server.stop);
  valkey = new Redis(server.url);
  cleanup.defer(() => valkey.disconnect());
});
afterAll(() => cleanup.disposeAsync());

const create = (): RedisLimiter =>
  createRedisLimiter(valkey, { clock: "caller", elapsed: () => 0, prefix: randomUUID() });

limiterContract("valkey", create, { operations: 5_000, perMs: 1_000 });

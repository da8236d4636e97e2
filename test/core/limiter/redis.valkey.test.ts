// The limiter on a real Valkey, against the Limiter contract.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { afterAll } from "vitest";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { limiterContract } from "../../contracts/limiter.ts";
import { startRedis } from "../../redis/server.ts";

const server = await startRedis({ binary: "valkey-server" });
const valkey = new Redis(server.url);
afterAll(async () => {
  valkey.disconnect();
  await server.stop();
});

const create = () => createRedisLimiter(valkey, { clock: "caller", elapsed: () => 0, prefix: randomUUID() });

limiterContract("valkey", create, { operations: 5_000, perMs: 1_000 });

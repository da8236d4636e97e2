// `npm run fuzz [-- --operations 10000000] [--seed N]`: random calls, compared with the naive model.

import { Redis } from "ioredis";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { type Chargeable, compareWithModel, type Resolution } from "../../contracts/limiter-model.ts";
import { readNumbers } from "../../long-run.ts";
import { startRedis } from "../../redis/server.ts";

const number = readNumbers({ operations: 10_000_000, seed: Math.ceil(Math.random() * 2 ** 31) });
const [operations, seed] = [number("operations"), number("seed")];

async function fuzz(name: string, limiter: Chargeable, perMs: Resolution): Promise<void> {
  const started = performance.now();
  const report = await compareWithModel(limiter, { operations, seed, perMs });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`${name}, seed ${seed}, ${seconds} s: ${JSON.stringify(report)}\n`);
  if (report.differences > 0) process.exitCode = 1;
}

await using cleanup = new AsyncDisposableStack();
const server = await startRedis();
cleanup.defer(server.stop);
const redis = new Redis(server.url);
cleanup.defer(() => redis.disconnect());
await fuzz("memory", createMemoryLimiter(), 1);
await fuzz("redis", createRedisLimiter(redis, { clock: "caller", elapsed: () => 0 }), 1_000);

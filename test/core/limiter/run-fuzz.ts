// `npm run fuzz [-- --operations 10000000] [--against memory|redis|both] [--seed N]`: random calls, compared with the naive model.

import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { type Chargeable, compareWithModel, type Resolution, renderComparison } from "../../contracts/limiter-model.ts";
import { startRedis } from "../../redis/server.ts";

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "10000000" },
    against: { type: "string", default: "both" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const [operations, seed] = [Number(values.operations), Number(values.seed)];
if (!(operations > 0) || !Number.isInteger(seed)) throw new Error("--operations and --seed are whole numbers");

async function fuzz(name: "memory" | "redis", limiter: Chargeable, perMs: Resolution): Promise<void> {
  if (values.against !== name && values.against !== "both") return;
  const started = performance.now();
  const report = await compareWithModel(limiter, { operations, seed, perMs });
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`${name}, seed ${seed}, ${seconds} s: ${renderComparison(report)}\n`);
  if (report.differences > 0) process.exitCode = 1;
}

await using cleanup = new AsyncDisposableStack();
const server = await startRedis();
cleanup.defer(server.stop);
const redis = new Redis(server.url);
cleanup.defer(() => redis.disconnect());
await fuzz("memory", createMemoryLimiter(), 1);
await fuzz("redis", createRedisLimiter(redis, { clock: "caller", elapsed: () => 0 }), 1_000);

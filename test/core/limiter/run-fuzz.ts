// `npm run fuzz [-- --operations 10000000] [--against memory|redis|both] [--seed N]`: random calls, beside the naive model.

import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { type Comparison, compareWithModel, renderComparison } from "../../contracts/limiter-model.ts";
import { startRedis } from "../../redis/server.ts";

const PROGRESS = 1_000_000;
const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "10000000" },
    against: { type: "string", default: "both" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const [operations, seed] = [Number(values.operations), Number(values.seed)];
if (!(operations > 0) || !Number.isInteger(seed)) throw new Error("--operations and --seed are whole numbers");
const onProgress = (done: number): void => {
  if (done % PROGRESS === 0) process.stderr.write(`${done} operations\n`);
};

async function fuzzMemory(): Promise<Comparison> {
  return compareWithModel(createMemoryLimiter(), { operations, seed, perMs: 1, onProgress });
}

async function fuzzRedis(): Promise<Comparison> {
  const server = await startRedis();
  const redis = new Redis(server.url);
  try {
    const limiter = createRedisLimiter(redis, { clock: "caller", elapsed: () => 0 });
    return await compareWithModel(limiter, { operations, seed, perMs: 1_000, onProgress });
  } finally {
    redis.disconnect();
    await server.stop();
  }
}

for (const [name, fuzz] of Object.entries({ memory: fuzzMemory, redis: fuzzRedis })) {
  if (values.against !== name && values.against !== "both") continue;
  const started = performance.now();
  const report = await fuzz();
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stdout.write(`${name}, seed ${seed}, ${seconds} s: ${renderComparison(report)}\n`);
  if (report.differences > 0) process.exitCode = 1;
}

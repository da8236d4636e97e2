// `npm run fuzz [-- --operations 10000000] [--against memory|redis|both] [--seed N]`: every verdict on random calls, judged.

import { parseArgs } from "node:util";
import { startRedis } from "../../../bench/redis.ts";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { fuzz, renderFuzz } from "../../contracts/limiter-fuzz.ts";
import { openCallerLimiter } from "./caller-limiter.ts";

const BACKENDS = ["memory", "redis"] as const;
const PROGRESS = 1_000_000;

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "10000000" },
    until: { type: "string" },
    against: { type: "string", default: "both" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
});
const backends = BACKENDS.filter((name) => values.against === name || values.against === "both");
if (backends.length === 0) throw new Error(`--against is one of ${BACKENDS.join(", ")}, both`);
const operations = Number(values.operations);
const seed = Number(values.seed);
const until = Number(values.until ?? operations);
if (!Number.isInteger(operations) || operations < 1) throw new Error("--operations is a whole number above zero");
if (!Number.isInteger(seed)) throw new Error("--seed is a whole number");

const onProgress = (done: number): void => {
  if (done % PROGRESS === 0) process.stderr.write(`${done} operations\n`);
};

const options = { operations, seed, until, onProgress };

for (const name of backends) {
  process.stdout.write(`${operations} operations against ${name}, seed ${seed}\n`);
  const started = performance.now();
  const report = name === "memory" ? await fuzz(createMemoryLimiter(), { ...options, grainMs: 1 }) : await fuzzRedis();
  process.stdout.write(`${renderFuzz(report)}\n${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  if (report.first === undefined) continue;
  process.exitCode = 1;
  const again = `--operations ${operations} --seed ${seed} --against ${name} --until ${report.first.operation + 1}`;
  process.stdout.write(`again: npm run fuzz -- ${again}\n`);
}

async function fuzzRedis(): ReturnType<typeof fuzz> {
  const redis = await startRedis();
  const { limiter, close } = await openCallerLimiter(redis.url);
  try {
    return await fuzz(limiter, { ...options, grainMs: 0.125 });
  } finally {
    close();
    await redis.stop();
  }
}

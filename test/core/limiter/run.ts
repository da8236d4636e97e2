// The limiter at length: `npm run fuzz [-- --operations 10000000 --seed N]`, `npm run race [-- --decisions 1000000]`,
// `npm run bound [-- --schedules 10000]`. Exits 1 for a wrong decision.

import { Redis } from "ioredis";
import { createMemoryLimiter } from "../../../src/core/limiter/memory.ts";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { compareWithModel } from "../../contracts/limiter-model.ts";
import { readNumbers, report } from "../../long-run.ts";
import { startRedis } from "../../redis/server.ts";
import { playSchedules } from "./bound.ts";
import { race } from "./race.ts";

const [run] = process.argv.splice(2, 1);
const seed = Math.ceil(Math.random() * 2 ** 31);
const number = readNumbers({ operations: 10_000_000, seed, decisions: 1_000_000, schedules: 10_000 });
await using cleanup = new AsyncDisposableStack();

async function redisUrl(): Promise<string> {
  const server = await startRedis();
  cleanup.defer(server.stop);
  return server.url;
}

if (run === "fuzz") {
  const random = { operations: number("operations"), seed: number("seed") };
  const redis = new Redis(await redisUrl());
  cleanup.defer(() => redis.disconnect());
  for (const [name, limiter, perMs] of [
    ["memory", createMemoryLimiter(), 1],
    ["redis", createRedisLimiter(redis, { clock: "caller", elapsed: () => 0 }), 1_000],
  ] as const) {
    const result = await compareWithModel(limiter, { ...random, perMs });
    report(`${name}, seed ${random.seed}, no difference: ${JSON.stringify(result)}`);
  }
} else if (run === "race") {
  const place = { redisUrl: await redisUrl(), processes: 8 };
  // Each number of keys with an exact limit, and with one that is counted in sub-windows.
  const races = [1, 100, 10_000].flatMap((keys) => [10, 300].map((limit) => ({ keys, limit })));
  const decisions = Math.ceil(number("decisions") / races.length);
  for (const { keys, limit } of races) {
    // About half of ten thousand decisions a second are admitted.
    const windowMs = Math.ceil(Math.max(20, (keys * limit) / 5));
    const result = await race({ ...place, keys, decisions, policy: { name: "login", limit, windowMs } });
    const isWrong = result.overAdmissions + result.falseDenials > 0;
    report(`${keys} keys, ${limit} per ${windowMs} ms: ${JSON.stringify(result)}`, [], isWrong);
  }
} else {
  const schedules = number("schedules");
  const { over, reached, outages } = await playSchedules(schedules);
  report(`${schedules} schedules, ${outages} outages: ${over} over the bound, ${reached} at it`, [], over > 0);
}

// The short of `npm run fuzz -- --against redis`: the limiter on a real Redis under random calls.

import { expect, inject, onTestFinished, test } from "vitest";
import { fuzz, renderFuzz } from "../../contracts/limiter-fuzz.ts";
import { openCallerLimiter } from "./caller-limiter.ts";

const seed = Math.floor(Math.random() * 2 ** 31);

test("the limiter on Redis is right about thirty thousand random calls", { timeout: 60_000 }, async () => {
  const { limiter, close } = await openCallerLimiter(inject("redisUrl") ?? "");
  onTestFinished(close);
  const report = await fuzz(limiter, { operations: 30_000, seed, grainMs: 0.125 });
  process.stdout.write(`Redis, seed ${seed}: ${renderFuzz(report)}\n`);
  expect(report.faults, `seed ${seed}: ${renderFuzz(report)}`).toEqual({
    "over-admission": 0,
    "false denial": 0,
    "wrong state": 0,
  });
});

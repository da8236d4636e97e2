// `npm run clock [-- --steps 100] [--window 4000]`: a Redis whose clock steps in the middle of bursts, under two gateways.
// Needs a C compiler (Debian: gcc), for the clock.

import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connectRedis } from "../../src/core/limiter/connection.ts";
import { createFallbackLimiter } from "../../src/core/limiter/fallback.ts";
import { createRedisLimiter } from "../../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../../src/core/limiter/redis-url.ts";
import type { Limiter, Policy } from "../../src/core/ports.ts";
import { startRedis } from "../redis/server.ts";
import { type Attempt, countMost } from "./analysis.ts";

/** Seconds. In all they come to nothing. */
const STEPS = [-2, 2, -600, 600];
const DEVICES = 200;
const GATEWAYS = 2;
/** Logins of each device in a burst, at the gateways in turn. */
const BURST = 16;
const LIMIT = 10;

const { values } = parseArgs({
  options: { steps: { type: "string", default: "100" }, window: { type: "string", default: "4000" } },
});
const [steps, windowMs] = [Number(values.steps), Number(values.window)];
if (!(steps > 0) || !(windowMs > 0)) throw new Error("--steps and --window are numbers above zero");

const policy: Policy = { name: "login", limit: LIMIT, windowMs };
let ahead = 0;
const elapsed = (): number => performance.now() + ahead;
let decidedAlone = 0;
const told: string[] = [];

await using cleanup = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), "countersign-clock-"));
cleanup.defer(() => rmSync(folder, { recursive: true }));
const [library, stepFile] = [join(folder, "clock-step.so"), join(folder, "step")];
execFileSync("cc", ["-shared", "-fPIC", "-o", library, new URL("clock-step.c", import.meta.url).pathname]);
const file = openSync(stepFile, "w+");
let offset = 0;
/** Sets how far the clock of Redis is ahead, in seconds. */
function setClock(seconds: number): void {
  offset = seconds;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(seconds));
  writeSync(file, bytes, 0, 8, 0);
}
setClock(0);
const server = await startRedis({ env: { LD_PRELOAD: library, CLOCK_STEP_FILE: stepFile } });
cleanup.defer(server.stop);

async function openLimiter(): Promise<Limiter> {
  const connection = await connectRedis(parseRedisUrl(server.url), elapsed);
  cleanup.defer(connection.close);
  const limiter = createFallbackLimiter({
    limiter: createRedisLimiter(connection.client, { elapsed, isOneServer: true }),
    availability: connection,
    mode: "local",
    instances: GATEWAYS,
    // The clock is what is measured: a burst that Redis answers late would be decided without it.
    deadlineMs: 1_000,
    elapsed,
    listener: {
      away: ({ message }) => told.push(`away: ${message}`),
      back: () => told.push("back"),
      stepped: () => told.push("stepped"),
      decided: () => decidedAlone++,
    },
  });
  cleanup.defer(limiter.close);
  await limiter.open();
  return limiter;
}

const limiters = [await openLimiter(), await openLimiter()];
// The server has been up for an hour, as far as they can tell.
ahead = 3_600_000;

async function logIn(deviceKey: string, turn: number): Promise<Attempt> {
  const sentAt = performance.now();
  const verdict = await limiters[turn % GATEWAYS]?.charge([{ policy, key: deviceKey }], Date.now());
  const status = verdict?.denied === -1 ? 200 : 429;
  return { deviceKey, sentAt, answeredAt: performance.now(), status, policy: "login" };
}

/** A burst of each device, spread over a part of the window. The clock steps in the middle. */
async function burst(step: number, round: number): Promise<readonly Attempt[]> {
  const attempts: Promise<Attempt>[] = [];
  for (let turn = 0; turn < BURST; turn++) {
    if (turn === BURST / 2) setClock(offset + step);
    for (let device = 0; device < DEVICES; device++) attempts.push(logIn(`device-${round}-${device}`, turn));
    await pass(windowMs / BURST / 3);
  }
  // Again, while the window of the burst lasts, and once it has passed.
  for (const wait of [windowMs / 3, windowMs / 2]) {
    await pass(wait);
    for (let turn = 0; turn < LIMIT; turn++) {
      for (let device = 0; device < DEVICES; device++) attempts.push(logIn(`device-${round}-${device}`, turn));
      await pass(20);
    }
  }
  return Promise.all(attempts);
}

for (const step of STEPS) {
  let [most, over, devices, alone] = [0, 0, 0, 0];
  for (let round = 0; round < Math.ceil(steps / STEPS.length); round++) {
    // Back to where this kind of step begins; both gateways notice, and Redis decides again a window later.
    setClock(step > 0 ? -step : 0);
    await Promise.all(limiters.map((_, place) => logIn("anyone", place)));
    await pass(1.1 * windowMs);
    const before = decidedAlone;
    const attempts = await burst(step, round);
    alone += decidedAlone - before;
    for (const own of Map.groupBy(attempts, ({ deviceKey }) => deviceKey).values()) {
      const count = countMost(own, { limit: LIMIT, windowMs });
      most = Math.max(most, count);
      devices++;
      if (count > LIMIT) over++;
    }
  }
  process.stdout.write(
    `step of ${step} s: ${over} of ${devices} devices over ${LIMIT} in a window, at most ${most}; ${alone} decided without Redis\n`,
  );
  if (over > 0) process.exitCode = 1;
}
process.stdout.write(`${told.join(", ") || "Redis was never away"}\n`);

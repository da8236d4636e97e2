// `npm run clock [-- --steps 100]`: two gateways on a Redis whose clock steps during bursts.
// Needs a C compiler (Debian: gcc), for the clock.

import { execFileSync } from "node:child_process";
import { mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { REDIS_DEADLINE_MS } from "../../src/app/limits.ts";
import { connectRedis } from "../../src/core/limiter/connection.ts";
import { createFallbackLimiter } from "../../src/core/limiter/fallback.ts";
import { createRedisLimiter } from "../../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../../src/core/limiter/redis-url.ts";
import type { Limiter, Policy, Verdict } from "../../src/core/ports.ts";
import { readNumbers, report } from "../long-run.ts";
import { startRedis } from "../redis/server.ts";
import { type Attempt, countMost } from "./load.ts";

/** Steps in seconds; their sum is 0. */
const STEPS = [-2, 2, -600, 600];
const WINDOW_MS = 60_000;
const DEVICES = 200;
const GATEWAYS = 2;
/** Logins of each device around a step, in a third of a window. */
const BURST = 16;
/** Devices that log in at the same instant. */
const AT_ONCE = 20;
/** Time between two steps, in windows. */
const SPACING = 0.2;
const LIMIT = 10;
const BOUND = LIMIT + GATEWAYS * Math.floor(LIMIT / GATEWAYS);

const steps = readNumbers({ steps: 100 })("steps");

const policy: Policy = { name: "login", limit: LIMIT, windowMs: WINDOW_MS };
let ahead = 0;
const elapsed = (): number => performance.now() + ahead;
const decidedByRedis = new WeakSet<Verdict>();
let decidedAlone = 0;
let outages = 0;

await using cleanup = new AsyncDisposableStack();
const folder = mkdtempSync(join(tmpdir(), "countersign-clock-"));
cleanup.defer(() => rmSync(folder, { recursive: true }));
const [library, stepFile] = [join(folder, "clock-step.so"), join(folder, "step")];
execFileSync("cc", ["-shared", "-fPIC", "-o", library, new URL("clock-step.c", import.meta.url).pathname]);
const file = openSync(stepFile, "w+");
let offset = 0;
function stepClock(seconds: number): void {
  offset += seconds;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(Math.round(offset * 1e6)));
  writeSync(file, bytes, 0, 8, 0);
}
stepClock(0);
const server = await startRedis({ env: { LD_PRELOAD: library, CLOCK_STEP_FILE: stepFile } });
cleanup.defer(server.stop);

async function openLimiter(): Promise<Limiter> {
  const connection = await connectRedis(parseRedisUrl(server.url), elapsed);
  cleanup.defer(connection.close);
  const redis = createRedisLimiter(connection.client, {
    elapsed,
    deadlineMs: REDIS_DEADLINE_MS,
    isOneServer: true,
  });
  const limiter = createFallbackLimiter({
    limiter: {
      ...redis,
      async charge(charges, now) {
        const verdict = await redis.charge(charges, now);
        decidedByRedis.add(verdict);
        return verdict;
      },
      recall(charges) {
        const verdict = redis.recall(charges);
        if (verdict !== undefined) decidedByRedis.add(verdict);
        return verdict;
      },
    },
    availability: connection,
    mode: "local",
    instances: GATEWAYS,
    deadlineMs: REDIS_DEADLINE_MS,
    elapsed,
    listener: { away: () => outages++, back: () => {}, decided: () => decidedAlone++ },
  });
  cleanup.defer(limiter.close);
  await limiter.open();
  return limiter;
}

const limiters = [await openLimiter(), await openLimiter()];
// The gateways' clock is ahead, so that the server counts as up for an hour.
ahead = 3_600_000;

interface Login extends Attempt {
  readonly isByRedis: boolean;
}

async function logIn(deviceKey: string, gateway: number): Promise<Login> {
  const sentAt = performance.now();
  const verdict = await limiters[gateway]?.charge([{ policy, key: deviceKey }], Date.now());
  const answeredAt = performance.now();
  const status = verdict?.denied === -1 ? 200 : 429;
  const isByRedis = verdict !== undefined && decidedByRedis.has(verdict);
  return { deviceKey, sentAt, answeredAt, status, policy: "login", isByRedis };
}

/** A burst of each device around the step, another one within the window, and one after it. */
async function playRound(round: number, step: number): Promise<readonly Login[]> {
  // The limit is used up before the step, or all but two.
  const before = Math.floor(round / STEPS.length) % 2 === 0 ? LIMIT : LIMIT - 2;
  const logins: Promise<Login>[] = [];
  const logInAll = async (isAfter: boolean, forMs: number): Promise<void> => {
    for (let device = 0; device < DEVICES; device++) {
      // The worst case: the device changes the gateway at the step.
      const gateway = device % 2 === 0 ? Math.floor(Math.random() * GATEWAYS) : Number(isAfter);
      logins.push(logIn(`device-${round}-${device}`, gateway));
      if (device % AT_ONCE === 0) await pass((forMs * AT_ONCE) / DEVICES);
    }
  };
  for (let turn = 0; turn < BURST; turn++) {
    if (turn === before) stepClock(step);
    await logInAll(turn >= before, WINDOW_MS / BURST / 3);
  }
  for (const wait of [WINDOW_MS / 3, WINDOW_MS * 0.4]) {
    await pass(wait);
    for (let turn = 0; turn < LIMIT; turn++) await logInAll(true, WINDOW_MS / 100);
  }
  return Promise.all(logins);
}

const rounds: { readonly step: number; readonly logins: Promise<readonly Login[]> }[] = [];
for (let round = 0; round < steps; round++) {
  const step = STEPS[round % STEPS.length] ?? 0;
  rounds.push({ step, logins: playRound(round, step) });
  await pass(SPACING * WINDOW_MS);
}

for (const step of STEPS) {
  const own = await Promise.all(rounds.filter((round) => round.step === step).map(({ logins }) => logins));
  const devices = [...Map.groupBy(own.flat(), ({ deviceKey }) => deviceKey).values()];
  const most = (all: readonly (readonly Login[])[]): number =>
    Math.max(0, ...all.map((logins) => countMost(logins, WINDOW_MS)));
  const exact = devices.filter((logins) => logins.every(({ isByRedis }) => isByRedis));
  const apart = devices.filter((logins) => !exact.includes(logins));
  // Each burst of a device is larger than the limit.
  const short = exact.filter((logins) => logins.filter(({ status }) => status === 200).length < LIMIT).length;
  const line = [
    `${own.length} steps of ${step} s, ${devices.length} devices:`,
    `${exact.length} devices decided by Redis alone, at most ${most(exact)} in a window, ${short} less than ${LIMIT} times;`,
    `${apart.length} decided without it too, at most ${most(apart)}, bound ${BOUND}`,
  ].join(" ");
  report(line, [], most(exact) > LIMIT || most(apart) > BOUND || short > 0);
}
report(`${decidedAlone} decisions without Redis, which was away ${outages} times`);

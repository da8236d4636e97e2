// `npm run clock [-- --steps 100]`: two gateways on a Redis whose clock steps during bursts. Exits 1 unless Redis decided every login, by
// the exact limit.
// Needs a C compiler (Debian: gcc), for the clock.

import { execFileSync } from "node:child_process";
import { mkdtempDisposableSync, openSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { readNumbers, report } from "../long-run.ts";
import { startRedis } from "../redis/server.ts";
import { type Attempt, byDevice, countAlone, countMost, logIn, onlyAdmitted, openGateways } from "./logins.ts";

/** Steps in seconds; their sum is 0. */
const STEPS = [-2, 2, -600, 600];
const WINDOW_MS = 60_000;
const LIMIT = 10;
/** Devices of each step. */
const DEVICES = 200;
/** Logins of each device around a step, in a third of a window. */
const BURST = 16;
/** Devices that log in at the same instant. */
const AT_ONCE = 20;
/** Time between two steps. */
const SPACING_MS = WINDOW_MS / 5;
/** The default of 25 ms would let a busy machine decide without Redis. */
const DEADLINE_MS = 2_000;

const steps = readNumbers({ steps: 100 })("steps");
await using cleanup = new AsyncDisposableStack();
const folder = cleanup.use(mkdtempDisposableSync(join(tmpdir(), "countersign-clock-")));
const [library, stepFile] = [join(folder.path, "clock-step.so"), join(folder.path, "step")];
execFileSync("cc", ["-shared", "-fPIC", "-o", library, new URL("clock-step.c", import.meta.url).pathname]);
const file = openSync(stepFile, "w+");
let offset = 0;
function stepClock(seconds: number): void {
  offset += seconds;
  writeSync(file, new BigInt64Array([BigInt(offset * 1e6)]), 0, 8, 0);
}
stepClock(0);
const redis = await startRedis({ env: { LD_PRELOAD: library, CLOCK_STEP_FILE: stepFile } });
cleanup.defer(redis.stop);

const devicesOf = (round: number) => Array.from({ length: DEVICES }, (_, index) => `device-${round}-${index}`);
const gateways = await openGateways(
  {
    redisUrl: redis.url,
    limits: { limit: LIMIT, windowMs: WINDOW_MS },
    deviceKeys: Array.from({ length: steps }, (_, round) => devicesOf(round)).flat(),
    redisDeadlineMs: DEADLINE_MS,
  },
  cleanup,
);

/** A burst of each device around the step, another one within the window, and one after it. */
async function playRound(round: number): Promise<readonly Attempt[]> {
  await pass(round * SPACING_MS);
  // The limit is used up before the step, or all but two.
  const before = Math.floor(round / STEPS.length) % 2 === 0 ? LIMIT : LIMIT - 2;
  const logins: Promise<Attempt>[] = [];
  const logInAll = async (isAfter: boolean, forMs: number): Promise<void> => {
    for (const [index, deviceKey] of devicesOf(round).entries()) {
      // The worst case: the device changes the gateway at the step.
      const usesSecond = index % 2 === 0 ? Math.random() < 0.5 : isAfter;
      logins.push(logIn(gateways[usesSecond ? 1 : 0].publicUrl, deviceKey));
      if (index % AT_ONCE === 0) await pass((forMs * AT_ONCE) / DEVICES);
    }
  };
  for (let turn = 0; turn < BURST; turn++) {
    if (turn === before) stepClock(STEPS[round % STEPS.length] ?? 0);
    await logInAll(turn >= before, WINDOW_MS / BURST / 3);
  }
  for (const wait of [WINDOW_MS / 3, WINDOW_MS * 0.4]) {
    await pass(wait);
    for (let turn = 0; turn < LIMIT; turn++) await logInAll(true, WINDOW_MS / 100);
  }
  return Promise.all(logins);
}

const rounds = await Promise.all(Array.from({ length: steps }, (_, round) => playRound(round)));
for (const [index, step] of STEPS.entries()) {
  const logins = rounds.filter((_, round) => round % STEPS.length === index).flat();
  const devices = byDevice(logins);
  const most = countMost(logins, WINDOW_MS);
  // Each burst of a device is larger than the limit.
  const short = devices.filter((own) => onlyAdmitted(own).length < LIMIT).length;
  report(
    `steps of ${step} s, ${devices.length} devices: at most ${most} in a window; ${short} less than ${LIMIT} times`,
    [],
    most > LIMIT || short > 0,
  );
}
const alone = await countAlone(gateways);
report(`${alone} decisions without Redis`, [], alone > 0);

// Races processes on one Redis, and checks their decisions by a model. Each process runs this module.

import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import { createModel } from "../../contracts/limiter-model.ts";

export interface RaceOptions {
  readonly redisUrl: string;
  readonly processes: number;
  readonly keys: number;
  /** Number of decisions of all processes together. */
  readonly decisions: number;
  readonly policy: Policy;
}

/** The time is in microseconds of Redis's clock. */
type Decision = readonly [key: string, at: number, isAdmitted: boolean];

/** Calls under way in each process. */
const IN_FLIGHT = 64;
/** A limit that is never reached, as a second charge for half of the calls. */
const ALL: Charge = { policy: { name: "address", limit: 1_000_000_000, windowMs: 3_600_000 }, key: "all" };

const run = promisify(execFile);

/** Runs a race over one set of keys. @throws Error when a process fails */
export async function race(options: RaceOptions) {
  const stop = new AbortController();
  const command = [import.meta.filename, randomUUID(), JSON.stringify(options)];
  const limits = { maxBuffer: Number.POSITIVE_INFINITY, signal: stop.signal };
  const racers = Array.from({ length: options.processes }, () => run(process.execPath, command, limits));
  try {
    const lists = (await Promise.all(racers)).map(({ stdout }): Decision[] => JSON.parse(stdout));
    return compare(options.policy, lists.flat());
  } finally {
    stop.abort();
  }
}

/** Decides again by the model. Decisions of the same microsecond may have any order. */
function compare(policy: Policy, decisions: readonly Decision[]) {
  const model = createModel(1_000);
  let [admitted, overAdmissions, falseDenials] = [0, 0, 0];
  for (const [key, at, isAdmitted] of decisions.toSorted((a, b) => a[1] - b[1] || Number(b[2]) - Number(a[2]))) {
    const isFree = model.charge([{ policy, key }], at / 1_000).denied === -1;
    if (isAdmitted) admitted++;
    if (isAdmitted && !isFree) overAdmissions++;
    if (!isAdmitted && isFree) falseDenials++;
  }
  return { decisions: decisions.length, admitted, overAdmissions, falseDenials };
}

/** Decides as fast as it can, in a process of the race, once all processes are connected. */
async function decideAll(prefix: string, { redisUrl, processes, keys, decisions, policy }: RaceOptions) {
  const redis = new Redis(redisUrl);
  const limiter = createRedisLimiter(redis, { elapsed: () => performance.now(), prefix });
  const connected = `${prefix}:connected`;
  for (let count = await redis.incr(connected); count < processes; ) count = Number(await redis.get(connected));
  await redis.expire(connected, 60);
  const decided: Decision[] = [];
  let due = Math.ceil(decisions / processes);

  async function lane(): Promise<void> {
    while (due-- > 0) {
      const charge: Charge = { policy, key: `device-${Math.floor(Math.random() * keys)}` };
      const { denied, now } = await limiter.charge(Math.random() < 0.5 ? [charge] : [ALL, charge], 0);
      decided.push([charge.key, now, denied === -1]);
    }
  }

  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  redis.disconnect();
  return decided;
}

const [, program, prefix = "", options = ""] = process.argv;
if (program === import.meta.filename)
  process.stdout.write(JSON.stringify(await decideAll(prefix, JSON.parse(options))));

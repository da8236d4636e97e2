// A race: concurrent processes decide on the same keys of one Redis, as one exact window would. All run this module.

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
  /** Number of calls under way in each process. */
  readonly inFlight: number;
  readonly limit: number;
  readonly windowMs: number;
}

/** The task of one process. Its keys begin with `prefix`. */
interface Plan extends RaceOptions {
  readonly prefix: string;
  readonly policy: Policy;
}

/** The time is in microseconds of Redis's clock. */
type Decision = readonly [key: string, at: number, isAdmitted: boolean];

const run = promisify(execFile);

/** Runs a race over one set of keys. @throws Error when a process fails */
export async function race(options: RaceOptions) {
  const { processes, limit, windowMs } = options;
  const policy: Policy = { name: "login", limit, windowMs };
  const decisions = Math.ceil(options.decisions / processes);
  const plan: Plan = { ...options, decisions, prefix: randomUUID(), policy };
  const stop = new AbortController();
  const runRacer = () =>
    run(process.execPath, [import.meta.filename, JSON.stringify(plan)], {
      maxBuffer: Number.POSITIVE_INFINITY,
      signal: stop.signal,
    });
  try {
    const outputs = await Promise.all(Array.from({ length: processes }, runRacer));
    return compare(
      policy,
      outputs.flatMap(({ stdout }): Decision[] => JSON.parse(stdout)),
    );
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

/** A limit that is never reached, as a second charge for half of the calls. */
const ALL: Charge = { policy: { name: "address", limit: 1_000_000_000, windowMs: 3_600_000 }, key: "all" };

/** Decides as fast as it can, in a process of the race, once all processes are connected. */
async function decideAll({ redisUrl, prefix, processes, keys, policy, ...plan }: Plan): Promise<readonly Decision[]> {
  const redis = new Redis(redisUrl);
  const limiter = createRedisLimiter(redis, { elapsed: () => performance.now(), prefix });
  const connected = `${prefix}:connected`;
  for (let count = await redis.incr(connected); count < processes; ) count = Number(await redis.get(connected));
  await redis.expire(connected, 60);
  const decided: Decision[] = [];
  let due = plan.decisions;

  async function lane(): Promise<void> {
    while (due-- > 0) {
      const charge: Charge = { policy, key: `device-${Math.floor(Math.random() * keys)}` };
      const { denied, now } = await limiter.charge(Math.random() < 0.5 ? [charge] : [ALL, charge], 0);
      decided.push([charge.key, now, denied === -1]);
    }
  }

  await Promise.all(Array.from({ length: plan.inFlight }, lane));
  redis.disconnect();
  return decided;
}

if (process.argv[1] === import.meta.filename) {
  process.stdout.write(JSON.stringify(await decideAll(JSON.parse(process.argv[2] ?? ""))));
}

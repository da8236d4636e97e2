// A race: concurrent processes decide on the same keys of one Redis; an exact window must decide the same. All run this module.

import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { Redis } from "ioredis";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import { roundUp } from "../../../src/core/limiter/window.ts";
import type { Charge } from "../../../src/core/ports.ts";

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

/** Message to a process of the race, which uses the keys under `prefix`. */
interface RacePlan extends RaceOptions {
  readonly prefix: string;
}

/** Runs a race over one set of keys. @throws Error when a process ends early */
export async function race(options: RaceOptions): Promise<RaceReport> {
  const { processes, limit, windowMs } = options;
  const plan: RacePlan = { ...options, decisions: Math.ceil(options.decisions / processes), prefix: randomUUID() };
  const racers = Array.from({ length: processes }, () =>
    fork(import.meta.filename, { execArgv: [], serialization: "advanced" }),
  );
  try {
    await Promise.all(racers.map((racer) => ask(racer, plan)));
    const results = await Promise.all(racers.map((racer) => ask(racer, "go")));
    // decideAll sends these messages.
    return checkDecisions(results as Decisions[], limit, windowMs * 1_000);
  } finally {
    for (const racer of racers) racer.kill();
  }
}

async function ask(racer: ChildProcess, message: RacePlan | "go"): Promise<unknown> {
  const answered = once(racer, "message");
  const ended = once(racer, "exit").then(() => {
    throw new Error("a process of the race ended early");
  });
  racer.send(message);
  const [answer] = await Promise.race([answered, ended]);
  return answer;
}

/** Decisions of one process, as parallel lists; times in microseconds of Redis's clock. */
interface Decisions {
  readonly key: readonly number[];
  readonly at: readonly number[];
  readonly isAdmitted: readonly boolean[];
}

export interface RaceReport {
  readonly decisions: number;
  readonly admitted: number;
  /** Admissions above a limit. */
  readonly overAdmissions: number;
  /** Denials below a limit. */
  readonly falseDenials: number;
}

/** Recomputes each key. Decisions of the same microsecond may have any order. */
function checkDecisions(lists: readonly Decisions[], limit: number, window: number): RaceReport {
  const byKey = new Map<number, { at: number; isAdmitted: boolean }[]>();
  for (const { key: keys, at, isAdmitted } of lists) {
    for (const [index, key] of keys.entries()) {
      const own = byKey.get(key) ?? [];
      byKey.set(key, own);
      own.push({ at: at[index] ?? Number.NaN, isAdmitted: isAdmitted[index] ?? false });
    }
  }
  let [decisions, admitted, overAdmissions, falseDenials] = [0, 0, 0, 0];
  for (const own of byKey.values()) {
    decisions += own.length;
    const log = own.filter((decision) => decision.isAdmitted).map(({ at }) => roundUp(limit, window, at));
    log.sort((one, other) => one - other);
    admitted += log.length;
    for (let index = limit; index < log.length; index++) {
      if ((log[index] ?? Number.NaN) - (log[index - limit] ?? Number.NaN) < window) overAdmissions++;
    }
    const denials = own.filter(({ isAdmitted }) => !isAdmitted).map(({ at }) => at);
    let [first, next] = [0, 0];
    for (const at of denials.sort((one, other) => one - other)) {
      while ((log[next] ?? Number.POSITIVE_INFINITY) <= roundUp(limit, window, at)) next++;
      while ((log[first] ?? Number.POSITIVE_INFINITY) <= at - window) first++;
      if (next - first < limit) falseDenials++;
    }
  }
  return { decisions, admitted, overAdmissions, falseDenials };
}

/** A limit that is never reached, as a second charge for half of the calls. */
const ALL: Charge = { policy: { name: "address", limit: 1_000_000_000, windowMs: 3_600_000 }, key: "all" };

/** Decides as fast as it can, in a process of the race, and sends each decision with Redis's time. */
async function decideAll({ redisUrl, prefix, keys, inFlight, limit, windowMs, ...plan }: RacePlan): Promise<void> {
  const redis = new Redis(redisUrl);
  const limiter = createRedisLimiter(redis, { elapsed: () => performance.now(), prefix });
  const result = { key: [] as number[], at: [] as number[], isAdmitted: [] as boolean[] } satisfies Decisions;
  let due = plan.decisions;

  async function lane(): Promise<void> {
    while (due-- > 0) {
      const key = Math.floor(Math.random() * keys);
      const charge: Charge = { policy: { name: "login", limit, windowMs }, key: `device-${key}` };
      const { denied, now } = await limiter.charge(Math.random() < 0.5 ? [charge] : [ALL, charge], 0);
      result.key.push(key);
      result.at.push(now);
      result.isAdmitted.push(denied === -1);
    }
  }

  process.send?.("ready");
  await once(process, "message");
  await Promise.all(Array.from({ length: inFlight }, lane));
  process.send?.(result, () => process.disconnect());
  redis.disconnect();
}

if (process.argv[1] === import.meta.filename) process.once("message", (plan: RacePlan) => void decideAll(plan));

// One process of a race: decides as fast as it can, and keeps each admission with Redis's own time. Started by race.ts.

import { once } from "node:events";
import { Redis } from "ioredis";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge, Policy } from "../../../src/core/ports.ts";
import type { RacePlan, RaceResult } from "./race-plan.ts";

/** Never reached: a login is charged to its address first. */
const ALL: Charge = { policy: { name: "address", limit: 1_000_000_000, windowMs: 3_600_000 }, key: "all" };

async function race(plan: RacePlan): Promise<void> {
  const redis = new Redis(plan.redisUrl);
  let sent = 0;
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (...command) => {
    sent++;
    return send(...command);
  };
  // Without a memory of denials: each decision is Redis's.
  const limiter = createRedisLimiter(redis, { prefix: plan.prefix });
  // A script that Redis does not know yet is sent twice.
  await limiter.charge([ALL], 0);
  await limiter.charge([ALL, { ...ALL, key: "warming" }], 0);

  const { keys, policies, planted = policies } = plan;
  const sliding = { key: [] as number[], at: [] as number[], from: [] as number[], to: [] as number[] };
  const count = (): { asked: number[]; admitted: number[] } => ({
    asked: Array.from({ length: keys }, () => 0),
    admitted: Array.from({ length: keys }, () => 0),
  });
  const counts = { endless: count(), wide: count() };
  let admitted = 0;
  let due = plan.decisions;

  /** One that is certain in time: Redis is asked for its clock before and after, with no other command between. */
  async function slide(key: number, policy: Policy): Promise<void> {
    const before = sent;
    const first = redis.time();
    const deciding = limiter.charge([ALL, { policy, key: `device-${key}` }], 0);
    const last = redis.time();
    if (sent !== before + 3) throw new Error("a decision is one command, sent at once");
    const [from, verdict, to] = await Promise.all([first, deciding, last]);
    if (verdict.denied !== -1) return;
    admitted++;
    if (verdict.now === undefined) throw new TypeError("a verdict of Redis tells its time");
    sliding.key.push(key);
    sliding.at.push(verdict.now);
    sliding.from.push(micros(from));
    sliding.to.push(micros(to));
  }

  async function take(kind: keyof typeof counts, key: number, policy: Policy): Promise<void> {
    const { denied } = await limiter.charge([{ policy, key: `${kind}-${key}` }], 0);
    const { asked, admitted: taken } = counts[kind];
    asked[key] = (asked[key] ?? 0) + 1;
    if (denied !== -1) return;
    admitted++;
    taken[key] = (taken[key] ?? 0) + 1;
  }

  async function lane(): Promise<void> {
    while (due-- > 0) {
      const key = Math.floor(Math.random() * keys);
      const draw = Math.random();
      if (draw < 0.5) await slide(key, planted.sliding);
      else if (draw < 0.75) await take("endless", key, planted.endless);
      else await take("wide", key, planted.wide);
    }
  }

  process.send?.("ready");
  await once(process, "message");
  await Promise.all(Array.from({ length: plan.inFlight }, lane));
  const result: RaceResult = { sliding, ...counts, admitted };
  process.send?.(result, () => process.disconnect());
  redis.disconnect();
}

function micros([seconds, rest]: readonly (number | string)[]): number {
  return Number(seconds) * 1_000_000 + Number(rest);
}

process.once("message", (plan: RacePlan) => void race(plan));

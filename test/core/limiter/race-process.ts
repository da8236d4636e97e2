// One process of a race: decides as fast as it can, and records each decision with Redis's time. Started by race.ts.

import { once } from "node:events";
import { Redis } from "ioredis";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge } from "../../../src/core/ports.ts";
import type { Decisions, RacePlan } from "./race.ts";

/** A limit that is never reached, as a second charge for half of the calls. */
const ALL: Charge = { policy: { name: "address", limit: 1_000_000_000, windowMs: 3_600_000 }, key: "all" };

async function race({ redisUrl, prefix, keys, inFlight, limit, windowMs, ...plan }: RacePlan): Promise<void> {
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

process.once("message", (plan: RacePlan) => void race(plan));

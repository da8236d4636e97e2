// A limiter on a real Redis by the caller's clock, alone with its keys, that decides in the order it is called.

import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { createRedisLimiter } from "../../../src/core/limiter/redis.ts";
import type { Charge, Limiter } from "../../../src/core/ports.ts";

const WARMING = ["address", "login", "replay"] as const;

export interface CallerLimiter {
  readonly limiter: Limiter;
  close(): void;
}

export async function openCallerLimiter(url: string): Promise<CallerLimiter> {
  const redis = new Redis(url);
  const limiter = createRedisLimiter(redis, { clock: "caller", prefix: randomUUID().slice(0, 8) });
  // The script is sent whole when Redis does not know it, which would overtake nothing but be overtaken itself.
  for (const count of [1, 2, 3]) {
    const charges = WARMING.slice(0, count).map(
      (name): Charge => ({ policy: { name, limit: 1_000, windowMs: 1_000 }, key: "warming" }),
    );
    await limiter.charge(charges, 1_700_000_000_000);
  }
  return { limiter, close: () => redis.disconnect() };
}

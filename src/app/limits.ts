// Wires the limits: in the process, or in Redis with what to do while that is away.

import type { Config } from "../config.ts";
import type { FallbackHearing } from "../core/limiter/fallback.ts";
import { createMemoryLimiter } from "../core/limiter/memory.ts";
import type { Limiter } from "../core/ports.ts";
import { monotonicNow } from "../telemetry/clock.ts";

export interface LimitsOptions {
  /** How long Redis may take to decide, in milliseconds; what it has not decided by then is decided without it. */
  readonly deadlineMs: number;
  /** Unix milliseconds. */
  readonly now: number;
  readonly hearing: FallbackHearing;
}

/** Opens what decides the limits; `cleanup` closes it. */
export async function openLimiter(
  config: Config,
  { deadlineMs, now, hearing }: LimitsOptions,
  cleanup: AsyncDisposableStack,
): Promise<Limiter> {
  if (config.redisUrl === undefined) return createMemoryLimiter();
  // Loaded only where it is used: a start without Redis need not wait for it.
  const [{ connectRedis }, { createRedisLimiter }, { createFallbackLimiter, HEARING_MS }] = await Promise.all([
    import("../core/limiter/connection.ts"),
    import("../core/limiter/redis.ts"),
    import("../core/limiter/fallback.ts"),
  ]);
  const redis = await connectRedis(config.redisUrl);
  cleanup.defer(redis.close);
  const limiter = createFallbackLimiter({
    limiter: createRedisLimiter(redis.client, {
      clock: config.redisClock,
      slotOf: redis.slotOf,
      elapsed: monotonicNow,
      deadlineMs: HEARING_MS,
    }),
    reach: redis,
    whenAway: config.redisDown,
    instances: config.instances,
    deadlineMs,
    elapsed: monotonicNow,
    startedAt: now,
    hearing,
  });
  cleanup.defer(limiter.close);
  await limiter.open();
  return limiter;
}

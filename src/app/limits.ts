// Wires the limits: in the process, or in Redis with a fallback.

import type { Config } from "../config.ts";
import type { FallbackOptions } from "../core/limiter/fallback.ts";
import { createMemoryLimiter } from "../core/limiter/memory.ts";
import type { Limiter } from "../core/ports.ts";

/** Default deadline of Redis, in milliseconds. */
export const REDIS_DEADLINE_MS = 25;

/** Opens the limiter; `cleanup` closes it. @throws RedisSetupError when Redis refuses this gateway */
export async function openLimiter(
  config: Config,
  { elapsed, listener, deadlineMs }: Pick<FallbackOptions, "elapsed" | "listener" | "deadlineMs">,
  cleanup: AsyncDisposableStack,
): Promise<Limiter> {
  if (config.redisUrl === undefined) return createMemoryLimiter();
  // Loaded only where it is used: a start without Redis need not wait for it.
  const [{ connectRedis }, { createRedisLimiter }, { createFallbackLimiter }] = await Promise.all([
    import("../core/limiter/connection.ts"),
    import("../core/limiter/redis.ts"),
    import("../core/limiter/fallback.ts"),
  ]);
  const redis = await connectRedis(config.redisUrl, elapsed, {
    ca: config.redisCa,
    cert: config.redisCert,
    key: config.redisKey,
  });
  cleanup.defer(redis.close);
  const limiter = createFallbackLimiter({
    limiter: createRedisLimiter(redis.client, {
      clock: config.redisClock === "redis" ? "redis" : "caller",
      elapsed,
      deadlineMs,
      isOneServer: config.redisUrl.kind !== "cluster",
    }),
    availability: redis,
    mode: config.redisDown,
    instances: config.instances,
    deadlineMs,
    elapsed,
    listener,
  });
  cleanup.defer(limiter.close);
  await limiter.open();
  return limiter;
}

// A connection to Redis that fails fast: never queues, never replays, always comes back. Knows ioredis, and no command.

import { Redis } from "ioredis";

const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_MS = 250;

/**
 * Connects; resolves at the first answer, or after the first failure, since a gateway starts without its Redis too.
 * @param onError hears of the first error of each outage
 */
export async function connectRedis(url: string, onError: (error: Error) => void): Promise<Redis> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: CONNECT_TIMEOUT_MS,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 1,
    retryStrategy: () => RECONNECT_MS,
  });
  let away = false;
  redis.on("error", (error: Error) => {
    if (!away) onError(error);
    away = true;
  });
  redis.on("ready", () => {
    away = false;
  });
  await redis.connect().catch(() => {
    // Told by the error event; ioredis goes on trying.
  });
  return redis;
}

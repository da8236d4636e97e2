// The limiter under measurement: on a connection of its own, alone, and as the gateway wraps it. Knows how they are made.

import { connectRedis, type RedisClient } from "../src/core/limiter/connection.ts";
import { createFallbackLimiter } from "../src/core/limiter/fallback.ts";
import { createRedisLimiter } from "../src/core/limiter/redis.ts";
import { parseRedisUrl } from "../src/core/limiter/redis-url.ts";
import type { Charge, Limiter, Policy } from "../src/core/ports.ts";
import { monotonicNow, systemNow } from "../src/telemetry/clock.ts";
import { LOGIN_LIMIT, WINDOW_MS } from "./contract.ts";

export interface Subject {
  readonly redis: RedisClient;
  /** The limiter on Redis alone. */
  readonly bare: Limiter;
  /** With its deadline, breaker and shadow. */
  readonly whole: Limiter;
  close(): void;
}

/** No decision may be given up in a measurement, whatever the machine does. */
const DEADLINE_MS = 10_000;

export const LOGIN: Policy = { name: "login", limit: LOGIN_LIMIT, windowMs: WINDOW_MS };
/** One address makes all of the load. */
const ADDRESS: Charge = { policy: { name: "address", limit: 100_000_000, windowMs: WINDOW_MS }, key: "192.0.2.1" };
const REPLAY: Policy = { name: "replay", limit: 1, windowMs: 601_000 };

/** The charges of a login, one to three, as core/login.ts has them. */
export const CHARGES = {
  one: (key: string, login: Policy = LOGIN): readonly Charge[] => [{ policy: login, key }],
  login: (key: string, login: Policy = LOGIN): readonly Charge[] => [ADDRESS, { policy: login, key }],
  guarded: (key: string, timestamp: number): readonly Charge[] => [
    ADDRESS,
    { policy: LOGIN, key },
    { policy: REPLAY, key: `${key} ${timestamp}` },
  ],
};

/** Opens it; each command is sent once, since the script is known. */
export async function openSubject(url: string, { remembers }: { remembers: boolean }): Promise<Subject> {
  const connection = await connectRedis(parseRedisUrl(url), {
    away(cause) {
      throw cause;
    },
  });
  const { client: redis, slotOf } = connection;
  const bare = createRedisLimiter(redis, { slotOf, ...(remembers && { elapsed: monotonicNow }) });
  const whole = createFallbackLimiter({
    limiter: bare,
    reach: connection,
    whenAway: "deny",
    instances: 1,
    deadlineMs: DEADLINE_MS,
    elapsed: monotonicNow,
    startedAt: systemNow(),
    hearing: { changed: () => {}, stillAway: () => {}, decided: () => {} },
  });
  await whole.open();
  for (const charges of [CHARGES.one("warming"), CHARGES.login("warming"), CHARGES.guarded("warming", 0)]) {
    await bare.charge(charges, Date.now());
  }
  return {
    redis,
    bare,
    whole,
    close() {
      whole.close();
      connection.close();
    },
  };
}

/** A figure of INFO. */
export async function readInfo(redis: Pick<RedisClient, "info">, section: string, name: string): Promise<number> {
  const value = new RegExp(`^${name}:([\\d.]+)`, "m").exec(await redis.info(section))?.[1];
  if (value === undefined) throw new Error(`INFO ${section} has no ${name}`);
  return Number(value);
}

// The limiter on Redis: exact over all gateways, by one script and Redis's own clock. Knows ioredis, and no policy.

import type { Redis, Result } from "ioredis";
import { AuthError } from "../errors.ts";
import type { Charge, Limiter, PolicyState, Verdict } from "../ports.ts";
import type { Within } from "./deadline.ts";
import { createDenials } from "./denials.ts";
import { CHARGE_SCRIPT } from "./script.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    charge1(...keysAndArguments: (string | number)[]): Result<number[], Context>;
    charge2(...keysAndArguments: (string | number)[]): Result<number[], Context>;
    charge3(...keysAndArguments: (string | number)[]): Result<number[], Context>;
  }
}

/** The part of ioredis that is used here. */
export type RedisScripting = Pick<Redis, "defineCommand" | "charge1" | "charge2" | "charge3" | "ping">;

export interface RedisLimiterOptions {
  /** Whose clock counts: Redis's TIME, or the caller's `now` where a server refuses TIME in scripts. */
  readonly clock?: "redis" | "caller";
  /**
   * Milliseconds since any fixed instant, never stepping, by which denials are remembered and told without a round trip;
   * absent: each charge asks.
   */
  readonly elapsed?: () => number;
  /** Bounds how long a call may take; absent: nothing does. */
  readonly within?: Within;
  /** Put before every key, for a Redis that is shared with others. */
  readonly prefix?: string;
}

/** Two clocks that run freely part by less than this share: ours, and Redis's. */
const CLOCK_DRIFT = 0.001;
const UNAVAILABLE_RETRY_MS = 5_000;

/** A limiter whose logs live in Redis (6.2 or newer, or Valkey). The connection stays its owner's to close. */
export function createRedisLimiter(redis: RedisScripting, options: RedisLimiterOptions = {}): Limiter {
  const { clock = "redis", prefix = "cs", elapsed, within = (call) => call } = options;
  const denials = createDenials(elapsed === undefined ? 0 : CLOCK_DRIFT);

  // A number of keys fixed per command lets ioredis route it in a cluster and recover from NOSCRIPT by itself.
  for (const numberOfKeys of [1, 2, 3]) {
    redis.defineCommand(`charge${numberOfKeys}`, { numberOfKeys, lua: CHARGE_SCRIPT });
  }

  const nameOf = ({ policy, key }: Charge): string => `${prefix}:${policy.name}:${key}`;

  function run(charges: readonly Charge[], now: number): Promise<number[]> {
    const keysAndArguments: (string | number)[] = charges.map(nameOf);
    keysAndArguments.push(clock === "redis" ? "redis" : Math.round(now * 1000));
    for (const { policy } of charges) keysAndArguments.push(policy.limit, policy.windowMs * 1000);
    switch (charges.length) {
      case 1:
        return redis.charge1(...keysAndArguments);
      case 2:
        return redis.charge2(...keysAndArguments);
      case 3:
        return redis.charge3(...keysAndArguments);
      default:
        throw new RangeError("a call takes one to three charges");
    }
  }

  /** A denial that is known already costs no round trip; not of the replay guard, whose answer tells the login's state. */
  function recall(charges: readonly Charge[], at: number): Verdict | undefined {
    for (const [denied, charge] of charges.entries()) {
      if (charge.policy.name === "replay") continue;
      const state = denials.recall(nameOf(charge), charge.policy, at);
      if (state !== undefined)
        return { denied, states: charges.map((_, place) => (place === denied ? state : undefined)) };
    }
    return undefined;
  }

  return {
    async charge(charges, now) {
      const at = elapsed?.() ?? now;
      const known = elapsed && recall(charges, at);
      if (known !== undefined) return known;
      const reply = await within(run(charges, now)).catch((cause: unknown) => {
        throw new AuthError(
          "unavailable",
          "the limits cannot be checked now. Try again later",
          { retryAfterMs: UNAVAILABLE_RETRY_MS },
          { cause },
        );
      });
      const verdict = readReply(reply, charges);
      const denied = charges[verdict.denied];
      const state = verdict.states[verdict.denied];
      if (denied !== undefined && state !== undefined) denials.remember(nameOf(denied), state, at);
      return verdict;
    },

    peek(charge, now) {
      return denials.recall(nameOf(charge), charge.policy, elapsed?.() ?? now);
    },

    async ping() {
      await redis.ping();
    },
  };
}

function readReply(reply: readonly number[], charges: readonly Charge[]): Verdict {
  const [number = 0, ...pairs] = reply;
  const states = charges.map(({ policy }, place): PolicyState => {
    const remaining = pairs[2 * place];
    const reset = pairs[2 * place + 1];
    if (remaining === undefined || reset === undefined) throw new TypeError("the script answers a pair a charge");
    return { policy, remaining, resetMs: reset / 1000 };
  });
  return { denied: number - 1, states };
}

// The limiter on Redis: exact over all gateways, by one script and Redis's own clock. Knows ioredis, and no policy.

import type { Redis, Result } from "ioredis";
import { AuthError } from "../errors.ts";
import type { Charge } from "../ports.ts";
import { limitsUnavailable } from "../refusals.ts";
import { type Command, divide, readReplies } from "./commands.ts";
import { createDenials } from "./denials.ts";
import { createMerges, type RedisMerging } from "./redis-merges.ts";
import { CHARGE_SCRIPT, TOO_LATE } from "./script.ts";
import { createServerClocks } from "./server-clocks.ts";
import type { SharedLimiter, SharedVerdict } from "./shared.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    charge1(...keysAndArguments: (string | number)[]): Result<number[], Context>;
    charge2(...keysAndArguments: (string | number)[]): Result<number[], Context>;
    charge3(...keysAndArguments: (string | number)[]): Result<number[], Context>;
  }
}

/** The part of ioredis that is used here. */
export type RedisScripting = Pick<Redis, "defineCommand" | "charge1" | "charge2" | "charge3" | "ping"> & RedisMerging;

export interface RedisLimiterOptions {
  /** Whose clock counts: Redis's TIME, or the caller's `now` where a server refuses TIME in scripts. */
  readonly clock?: "redis" | "caller";
  /**
   * Milliseconds since any fixed instant, never stepping, by which denials are remembered and told without a round trip;
   * absent: each charge asks.
   */
  readonly elapsed?: () => number;
  /** By `elapsed`: for how long an answer can be heard at all; what Redis comes to later than that it does not decide. */
  readonly deadlineMs?: number;
  /** Put before every key, for a Redis that is shared with others. */
  readonly prefix?: string;
  /** On a Cluster: the slot of a key. A command holds the keys of one slot; absent: those of a call. */
  readonly slotOf?: ((key: string) => number) | undefined;
}

/** Two clocks that run freely part by less than this share: ours, and Redis's. */
const CLOCK_DRIFT = 0.001;

/** A limiter whose logs live in Redis (6.2 or newer, or Valkey). The connection stays its owner's to close. */
export function createRedisLimiter(redis: RedisScripting, options: RedisLimiterOptions = {}): SharedLimiter {
  const { clock = "redis", prefix = "cs", elapsed, deadlineMs, slotOf } = options;
  const serverClocks = createServerClocks(elapsed ?? (() => 0));
  const denials = createDenials(elapsed === undefined ? 0 : CLOCK_DRIFT);

  // A number of keys fixed per command lets ioredis route it in a cluster and recover from NOSCRIPT by itself.
  for (const numberOfKeys of [1, 2, 3]) {
    redis.defineCommand(`charge${numberOfKeys}`, { numberOfKeys, lua: CHARGE_SCRIPT });
  }

  const clockArgument = (now: number): string | number => (clock === "redis" ? "redis" : Math.round(now * 1000));

  /** A device's keys share a slot, and so do an address's: the first word of a key is its hash tag. */
  function nameOf({ policy, key }: Charge): string {
    const space = key.indexOf(" ");
    const tagged = space === -1 ? `{${key}}` : `{${key.slice(0, space)}}${key.slice(space)}`;
    return `${prefix}:${policy.name}:${tagged}`;
  }

  /**
   * A command that came too late by Redis's clock was not decided. Where it is still waited for, that clock is another than it
   * was taken for, and Redis is asked anew. @param at what `elapsed` was when it was first asked
   */
  async function decide(command: Command, now: number, at: number): Promise<number[]> {
    const reply = await send(command, now);
    serverClocks.learn(command.slot, reply[1] ?? 0);
    if (reply[0] !== TOO_LATE) return reply;
    const waited = (elapsed?.() ?? at) - at;
    const again = waited < (deadlineMs ?? 0) ? await send(command, now) : reply;
    if (again[0] === TOO_LATE) throw new Error("Redis did not decide in time");
    return again;
  }

  function send(command: Command, now: number): Promise<number[]> {
    const notAfter =
      deadlineMs === undefined || clock === "caller" ? "0" : serverClocks.tellDue(command.slot, deadlineMs);
    const keysAndArguments: (string | number)[] = [...command.names, clockArgument(now), notAfter];
    for (const { policy } of command.charges) keysAndArguments.push(policy.limit, policy.windowMs * 1000);
    switch (command.charges.length) {
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
  function recall(charges: readonly Charge[], at: number): SharedVerdict | undefined {
    for (let denied = 0; denied < charges.length; denied++) {
      const charge = charges[denied];
      if (charge === undefined || charge.policy.name === "replay") continue;
      const state = denials.recall(charge.key, charge.policy, at);
      if (state === undefined) continue;
      const states = charges.map((_, place) => (place === denied ? state : undefined));
      return { denied, states, now: undefined, receipts: [] };
    }
    return undefined;
  }

  const merges = createMerges(redis, { prefix, slotOf, nameOf, clockArgument });

  return {
    ...merges,

    async probe(now) {
      const at = await merges.probe(now);
      serverClocks.learn(slotOf?.(merges.probeName) ?? 0, at);
      return at;
    },

    async charge(charges, now) {
      const at = elapsed?.() ?? now;
      const known = elapsed && recall(charges, at);
      if (known !== undefined) return known;
      const commands = divide(charges, charges.map(nameOf), slotOf);
      const [only, ...others] = commands;
      let replies: readonly (readonly number[])[];
      try {
        // One command, as a rule: it is not worth a list of promises.
        replies =
          only !== undefined && others.length === 0
            ? [await decide(only, now, at)]
            : await Promise.all(commands.map((command) => decide(command, now, at)));
      } catch (cause) {
        throw limitsUnavailable(cause);
      }
      const verdict = readReplies(commands, replies, charges);
      // What has nothing left denies the next one, whether it denied this one or was its last.
      for (let place = 0; place < charges.length; place++) {
        const state = verdict.states[place];
        const charge = charges[place];
        if (charge === undefined || state?.remaining !== 0 || state.policy.name === "replay") continue;
        denials.remember(charge.key, state, at);
      }
      return verdict;
    },

    recall: (charges, now) => recall(charges, elapsed?.() ?? now),

    async ping() {
      await redis.ping();
      return "ok";
    },

    isOfKey(error) {
      const cause = error instanceof AuthError ? error.cause : error;
      return cause instanceof Error && cause.message.includes("WRONGTYPE");
    },
  };
}

// The limiter on Redis: exact over all gateways, by one script and Redis's own clock.

import type { Redis, Result } from "ioredis";
import { LRUCache } from "lru-cache";
import type { Charge, PolicyState, Verdict } from "../ports.ts";
import { CHARGE_SCRIPT, TOO_LATE } from "./script.ts";

declare module "ioredis" {
  interface RedisCommander<Context> {
    charge1(...keysAndArguments: (string | number)[]): Result<number[], Context>;
    charge2(...keysAndArguments: (string | number)[]): Result<number[], Context>;
  }
}

/** The part of ioredis that is used here; a Cluster has it too. */
export type RedisCommands = Pick<Redis, "defineCommand" | "charge1" | "charge2" | "set">;

export interface RedisLimiterOptions {
  /** Milliseconds of a clock that never steps. */
  readonly elapsed: () => number;
  /** The clock that counts: Redis's TIME, or the caller's `now` where a server refuses TIME in scripts. */
  readonly clock?: "redis" | "caller";
  /** The timeout of a decision, in milliseconds. */
  readonly deadlineMs?: number;
  /** All logs are by the clock of one server, whose steps forward are noticed by `elapsed` and undone. */
  readonly isOneServer?: boolean;
  /** Put before every key, for a Redis that is shared with others. */
  readonly prefix?: string;
}

export interface RedisLimiter {
  /**
   * Decides one or two charges of the same device or address, by one command.
   * @returns the verdict, and its time in microseconds of the clock that counts
   * @throws Error of ioredis; Redis may have admitted the charges all the same
   */
  charge(charges: readonly Charge[], now: number): Promise<Verdict & { readonly now: number }>;
  /** The verdict on charges one of which this process knows to be denied, without a round trip; else undefined. */
  recall(charges: readonly Charge[]): Verdict | undefined;
  /** Runs the script on a key of its own. @throws Error when Redis does not run it, or does not write */
  probe(now: number): Promise<void>;
}

const MOST_DENIALS = 100_000;
/** Redis's clock and this process's part by less than this share. */
const CLOCK_DRIFT = 0.001;
/** A step that is shorter goes unnoticed, in milliseconds. */
const SMALLEST_STEP_MS = 100;
/** Redis forgets a log by its own clock. It keeps those of admitted logins so much longer that no step of ten minutes loses one. */
const KEPT_MS = 660_000;
/** No device_key has a space. */
const PROBE: Charge = { policy: { name: "login", limit: 1, windowMs: 1 }, key: " probe" };

/** Whether an error of Redis is about one key, which holds another program's value, and says nothing of the server. */
export function isErrorOfKey(error: unknown): boolean {
  return error instanceof Error && error.message.includes("WRONGTYPE");
}

/** A limiter whose logs live in Redis (6.2 or newer) or Valkey. */
export function createRedisLimiter(
  redis: RedisCommands,
  { elapsed, clock, deadlineMs = Number.POSITIVE_INFINITY, isOneServer, prefix = "cs" }: RedisLimiterOptions,
): RedisLimiter {
  const denials = new LRUCache<string, { until: number; state: PolicyState }>({ max: MOST_DENIALS });
  // With a fixed number of keys ioredis routes a command in a Cluster, and sends the script again where it is not loaded.
  const clockKeys = isOneServer && clock !== "caller" ? [`${prefix}:clock`] : [];
  redis.defineCommand("charge1", { numberOfKeys: 1 + clockKeys.length, lua: CHARGE_SCRIPT });
  redis.defineCommand("charge2", { numberOfKeys: 2 + clockKeys.length, lua: CHARGE_SCRIPT });

  /**
   * `cs:l:{=pump-7}`: the first word of a key, a device or an address, is the hash tag, so that both charges of a call are in
   * one slot. The equals sign keeps the tag from being empty where a device_key begins with a brace. A longer name of the
   * policy would cost 8 bytes a key.
   */
  function nameOf({ policy, key }: Charge): string {
    const space = key.indexOf(" ");
    return space === -1
      ? `${prefix}:${policy.name[0]}:{=${key}}`
      : `${prefix}:${policy.name[0]}:{=${key.slice(0, space)}}${key.slice(space)}`;
  }

  /** The most that the clock of the limits can be ahead of `elapsed`, in milliseconds, and when it was measured. */
  let lead: { readonly ms: number; readonly at: number } | undefined;
  let correction: Promise<unknown> | undefined;

  function leadAt(at: number): number {
    return lead === undefined ? Number.POSITIVE_INFINITY : lead.ms + (at - lead.at) * CLOCK_DRIFT;
  }

  /** Sends the script. `latest` is the time, in milliseconds, that the clock passes by a step alone; 0 turns the check off. */
  function send([one, two, ...others]: readonly Charge[], now: number, latest: number): Promise<number[]> {
    if (one === undefined || others.length > 0) throw new RangeError("one or two charges");
    const isLogin = one.policy.name === "login" || one.policy.name === "replay";
    const { limit, windowMs } = one.policy;
    const fixed = [
      ...clockKeys,
      clock === "caller" ? Math.round(now * 1000) : "redis",
      Math.min(Math.ceil(latest * 1000), Number.MAX_SAFE_INTEGER),
      latest > 0 && isLogin ? KEPT_MS : 0,
      limit,
      windowMs * 1000,
    ];
    if (two === undefined) return redis.charge1(nameOf(one), ...fixed);
    return redis.charge2(nameOf(one), nameOf(two), ...fixed, two.policy.limit, two.policy.windowMs * 1000);
  }

  /** Decides by a clock that never steps forward: the first gateway to notice a step sets Redis's back by an offset, for all. */
  async function run(charges: readonly Charge[], now: number, since = elapsed()): Promise<number[]> {
    const [clockKey] = clockKeys;
    if (clockKey === undefined) return send(charges, now, 0);
    const askedAt = elapsed();
    if (askedAt - since > deadlineMs) throw new Error("Redis answered late");
    const due = askedAt + leadAt(askedAt);
    const reply = await send(charges, now, due + SMALLEST_STEP_MS);
    const [denied, micros = 0, offset = 0] = reply;
    const heardAt = elapsed();
    if (denied !== TOO_LATE) {
      // The tightest bound counts: an answer that took long tells little.
      lead = { ms: Math.min(micros / 1000 - askedAt, leadAt(heardAt)), at: heardAt };
      return reply;
    }
    const took = heardAt - askedAt;
    const ahead = micros / 1000 - due;
    // Otherwise the command was late, not the clock early: nothing was decided, and it is sent again.
    if (ahead > SMALLEST_STEP_MS + took) {
      // Once for all commands that were under way. Set back too far, it only holds slots for as much longer.
      correction ??= redis.set(clockKey, Math.floor(offset - (ahead + took) * 1000)).finally(() => {
        correction = undefined;
      });
      await correction;
    }
    return run(charges, now, since);
  }

  /**
   * Decides two charges one by one, the last first, while their slot moves between a Cluster's nodes: one of the keys may have moved
   * and the other not. A used proof costs nothing; a login that is denied has spent its proof.
   */
  async function runApart(charges: readonly Charge[], now: number): Promise<number[]> {
    const [denied = 0, at = 0, ...last] = await run(charges.slice(1), now);
    if (denied > 0) return [2, at, -1, -1, ...last];
    return [...(await run(charges.slice(0, 1), now)), ...last];
  }

  return {
    async charge(charges, now) {
      // Read before the decision: a denial is never remembered for longer than it holds.
      const askedAt = elapsed();
      let reply: number[];
      try {
        reply = await run(charges, now);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.includes("TRYAGAIN")) throw error;
        reply = await runApart(charges, now);
      }
      const states = charges.map(({ policy }, index) => readState(policy, reply, index));
      for (const [index, charge] of charges.entries()) {
        const state = states[index];
        // A used proof is asked about: the answer tells the state of `login`.
        if (state === undefined || state.remaining > 0 || charge.policy.name === "replay") continue;
        denials.set(nameOf(charge), { until: askedAt + state.resetMs * (1 - CLOCK_DRIFT), state });
      }
      const [denied = 0, at = 0] = reply;
      return { denied: denied - 1, states, now: at };
    },

    recall(charges) {
      for (const [denied, charge] of charges.entries()) {
        const name = nameOf(charge);
        const denial = denials.get(name);
        if (denial === undefined) continue;
        const { policy } = denial.state;
        const resetMs = denial.until - elapsed();
        if (resetMs > 0 && policy.limit === charge.policy.limit && policy.windowMs === charge.policy.windowMs) {
          const state = { ...denial.state, resetMs };
          return { denied, states: charges.map((_, index) => (index === denied ? state : undefined)) };
        }
        denials.delete(name);
      }
      return undefined;
    },

    async probe(now) {
      await run([PROBE], now);
    },
  };
}

/** Reads the script's answer about one charge; undefined: it was not looked at. @throws TypeError of another program's answer */
function readState(policy: Charge["policy"], reply: readonly unknown[], index: number): PolicyState | undefined {
  const [remaining, reset] = reply.slice(2 + 2 * index);
  if (remaining === -1) return undefined;
  // Rounded up, an entry counts for up to a 64th longer.
  const longest = policy.windowMs * 1_100;
  if (typeof remaining !== "number" || typeof reset !== "number" || remaining > policy.limit || reset > longest) {
    throw new TypeError("Redis answers something else than the script does");
  }
  return { policy, remaining, resetMs: reset / 1000 };
}

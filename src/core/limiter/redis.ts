// The limiter on Redis: exact over all gateways, by Redis's own clock.

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

/** The methods of ioredis that the limiter calls, on one server or a Cluster. */
export type RedisCommands = Pick<Redis, "defineCommand" | "charge1" | "charge2" | "set">;

export interface RedisLimiterOptions {
  /** Milliseconds of a clock that never steps. */
  readonly elapsed: () => number;
  /** The clock by which admissions are logged: Redis's TIME, or the caller's `now` for a server that refuses TIME in scripts. */
  readonly clock?: "redis" | "caller";
  /** The timeout of a decision, in milliseconds. */
  readonly deadlineMs?: number;
  /** One server holds all logs. Steps forward of its clock are detected with `elapsed` and corrected. */
  readonly isOneServer?: boolean;
  /** The prefix of every key, for a Redis that other programs use too. */
  readonly prefix?: string;
}

export interface RedisLimiter {
  /**
   * Decides one or two charges of the same device or address, in one command.
   * @returns the verdict, and its time in microseconds of the logs' clock
   * @throws Error of ioredis; even then Redis may have admitted the charges
   */
  charge(charges: readonly Charge[], now: number): Promise<Verdict & { readonly now: number }>;
  /** The verdict without a round trip, if this process already knows a denial of one of the charges; else undefined. */
  recall(charges: readonly Charge[]): Verdict | undefined;
  /** Runs the script on a key of its own. @throws Error when Redis does not run it, or does not write */
  probe(now: number): Promise<void>;
}

const MOST_DENIALS = 100_000;
/** Largest relative drift between Redis's clock and this process's. */
const CLOCK_DRIFT = 0.001;
/** The smallest step of the clock that is corrected, in milliseconds. */
const SMALLEST_STEP_MS = 100;
/** Redis expires logs by its own clock. The extra time covers a clock step of ten minutes. */
const EXTRA_TTL_MS = 660_000;
/** The key of the probe. No device_key equals it, since none has a space. */
const PROBE: Charge = { policy: { name: "login", limit: 1, windowMs: 1 }, key: " probe" };

/** Whether an error of Redis is about one key that holds another program's value. The server itself works. */
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
   * The Redis key of a charge, as in `cs:l:{=pump-7}`. The first word of the key, a device or an address, is the hash tag: both
   * charges of a call are in one slot. The equals sign keeps the tag non-empty for a device_key that begins with a brace.
   * Only the first letter of the policy's name is used: the whole name would cost 8 bytes for each key.
   */
  function nameOf({ policy, key }: Charge): string {
    const space = key.indexOf(" ");
    return space === -1
      ? `${prefix}:${policy.name[0]}:{=${key}}`
      : `${prefix}:${policy.name[0]}:{=${key.slice(0, space)}}${key.slice(space)}`;
  }

  /** The largest possible lead of the logs' clock over `elapsed`, in milliseconds, and when it was measured. */
  let lead: { readonly ms: number; readonly at: number } | undefined;
  let correction: Promise<unknown> | undefined;

  function leadAt(at: number): number {
    return lead === undefined ? Number.POSITIVE_INFINITY : lead.ms + (at - lead.at) * CLOCK_DRIFT;
  }

  /** Sends the script. A clock later than `latest`, in milliseconds, has stepped; 0 turns the check off. */
  function send([one, two, ...others]: readonly Charge[], now: number, latest: number): Promise<number[]> {
    if (one === undefined || others.length > 0) throw new RangeError("needs one or two charges");
    const isLogin = one.policy.name === "login" || one.policy.name === "replay";
    const { limit, windowMs } = one.policy;
    const fixed = [
      ...clockKeys,
      clock === "caller" ? Math.round(now * 1000) : "redis",
      Math.min(Math.ceil(latest * 1000), Number.MAX_SAFE_INTEGER),
      latest > 0 && isLogin ? EXTRA_TTL_MS : 0,
      limit,
      windowMs * 1000,
    ];
    if (two === undefined) return redis.charge1(nameOf(one), ...fixed);
    return redis.charge2(nameOf(one), nameOf(two), ...fixed, two.policy.limit, two.policy.windowMs * 1000);
  }

  /** Decides by a clock without steps forward. The first gateway that detects a step stores an offset in Redis, for all. */
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
      // The tightest bound wins: a slow answer gives a loose one.
      lead = { ms: Math.min(micros / 1000 - askedAt, leadAt(heardAt)), at: heardAt };
      return reply;
    }
    const took = heardAt - askedAt;
    const ahead = micros / 1000 - due;
    // A clock that is not that far ahead is right, and the command was slow.
    if (ahead > SMALLEST_STEP_MS + took) {
      // One correction for all commands under way. A clock that is set back too far only lets admissions leave the window later.
      correction ??= redis.set(clockKey, Math.floor(offset - (ahead + took) * 1000)).finally(() => {
        correction = undefined;
      });
      await correction;
    }
    // The script decided nothing, so the command is sent again.
    return run(charges, now, since);
  }

  /**
   * Decides two charges one by one, while their slot moves between a Cluster's nodes and one of the two keys has moved. The last,
   * `replay`, is first: nothing is charged to `login` for a used proof, and a denied login uses up its proof.
   */
  async function runApart(charges: readonly Charge[], now: number): Promise<number[]> {
    const [denied = 0, at = 0, ...last] = await run(charges.slice(1), now);
    if (denied > 0) return [2, at, -1, -1, ...last];
    return [...(await run(charges.slice(0, 1), now)), ...last];
  }

  return {
    async charge(charges, now) {
      // Read before the decision, so that a denial is never cached for too long.
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
        // A used proof is not cached: the answer needs the current state of `login`.
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

/** Reads the script's answer for one charge; undefined if it was not decided. @throws TypeError for an answer of another form */
function readState(policy: Charge["policy"], reply: readonly unknown[], index: number): PolicyState | undefined {
  const [remaining, reset] = reply.slice(2 + 2 * index);
  if (remaining === -1) return undefined;
  // An entry that is rounded up counts for up to 1/64 longer.
  const longest = policy.windowMs * 1_100;
  if (typeof remaining !== "number" || typeof reset !== "number" || remaining > policy.limit || reset > longest) {
    throw new TypeError("Redis sent an answer that the script does not give");
  }
  return { policy, remaining, resetMs: reset / 1000 };
}

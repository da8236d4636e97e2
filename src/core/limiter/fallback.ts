// Adds a deadline, circuit breaker and fallback to the limiter on Redis.

import { createDeadline } from "../deadline.ts";
import { AuthError, UNAVAILABLE_RETRY_MS } from "../errors.ts";
import type { Charge, Limiter, Verdict } from "../ports.ts";
import { createMemoryLimiter } from "./memory.ts";
import { isErrorOfKey, type RedisLimiter } from "./redis.ts";

/** While Redis is away: `local` decides by this gateway's share of each limit, `deny` answers 503, `allow` admits. */
export const FALLBACK_MODES = ["local", "deny", "allow"] as const;
export type FallbackMode = (typeof FALLBACK_MODES)[number];

/** The connection to Redis, as far as the fallback depends on it. */
export interface Availability {
  /** When the newest master started, by the clock `elapsed`; undefined while a master is not connected. */
  startedAt(): number | undefined;
  /** Why a master is not connected. */
  lastError(): Error;
  /** Calls back when a connection to a master is lost, and when all masters are connected. */
  listen(listener: { lost(cause: Error): void; ready(): void }): void;
}

export interface FallbackListener {
  away(cause: Error): void;
  /** @param upSeconds uptime of the master that started last */
  back(upSeconds: number): void;
  /** Charges were decided without Redis. */
  decided(outcome: "admitted" | "denied" | "refused"): void;
}

export interface FallbackOptions {
  readonly limiter: RedisLimiter;
  readonly availability: Availability;
  readonly mode: FallbackMode;
  /** How many gateways share the limits. */
  readonly instances: number;
  /** How long Redis may take to decide, in milliseconds. */
  readonly deadlineMs: number;
  /** Milliseconds of a clock that never steps. */
  readonly elapsed: () => number;
  readonly listener: FallbackListener;
  /** Keys of each policy that the local limiter remembers. */
  readonly capacity?: number;
}

export interface FallbackLimiter extends Limiter {
  /** Resolves once Redis has answered or is marked as away. */
  open(): Promise<void>;
  close(): void;
}

const PROBE_MS = 250;

/**
 * A limiter that decides by Redis. While Redis is away, or has run for less than a charge's window and so may have lost
 * admissions, a local limiter decides with the limit share = max(1, floor(N / instances)). The local window has all
 * admissions of this gateway and is never cleared. However often Redis goes and returns, no window has more than
 * N + instances * share admissions.
 */
export function createFallbackLimiter(options: FallbackOptions): FallbackLimiter {
  const { limiter, availability, mode, instances, elapsed, listener } = options;
  const local = createMemoryLimiter(options.capacity);
  const expire = (): Error => new Error("Redis did not answer in time");
  const within = createDeadline(options.deadlineMs, expire);
  let isAway = false;
  let isProbing = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;

  function trip(error: unknown): void {
    if (!isAway && !isClosed) listener.away(error instanceof Error ? error : new Error("unknown"));
    isAway = true;
    if (!isClosed) timer ??= setInterval(probe, PROBE_MS).unref();
  }

  async function probe(): Promise<void> {
    if (isProbing || availability.startedAt() === undefined) return;
    isProbing = true;
    try {
      await within(limiter.probe(elapsed()));
      const startedAt = availability.startedAt();
      if (isAway && startedAt !== undefined) {
        isAway = false;
        clearInterval(timer);
        timer = undefined;
        listener.back(Math.floor((elapsed() - startedAt) / 1000));
      }
    } catch (error) {
      trip(error);
    } finally {
      isProbing = false;
    }
  }

  function shareOf({ policy, key }: Charge): Charge {
    const share = Math.max(1, Math.floor(policy.limit / instances));
    return { policy: { ...policy, limit: Math.min(policy.limit, share) }, key };
  }

  /** A charge that always denies only reads a limit: that is not a decision. */
  function countDecision(charges: readonly Charge[], outcome: "admitted" | "denied" | "refused"): void {
    if (charges.every(({ policy }) => policy.limit > 0)) listener.decided(outcome);
  }

  function decideLocally(charges: readonly Charge[]): Verdict {
    const { denied, states } = local.decide(charges.map(shareOf), elapsed());
    countDecision(charges, denied === -1 ? "admitted" : "denied");
    const reported = states.map(
      (state, index) => state && { ...state, policy: charges[index]?.policy ?? state.policy },
    );
    return { denied, states: reported };
  }

  function decideAway(charges: readonly Charge[]): Verdict {
    if (mode === "local") return limiter.recall(charges) ?? decideLocally(charges);
    countDecision(charges, mode === "deny" ? "refused" : "admitted");
    if (mode === "deny") throw unavailable();
    return { denied: -1, states: [] };
  }

  availability.listen({ lost: trip, ready: () => void (isAway && probe()) });

  return {
    async charge(charges, now) {
      if (isAway) return decideAway(charges);
      const known = limiter.recall(charges);
      if (known !== undefined) return known;
      const since = availability.startedAt() ?? Number.POSITIVE_INFINITY;
      if (charges.some(({ policy }) => elapsed() - since < policy.windowMs)) return decideLocally(charges);
      try {
        const verdict = await within(limiter.charge(charges, now));
        if (verdict.denied === -1) local.record(charges.map(shareOf), elapsed());
        return verdict;
      } catch (error) {
        // Redis may have admitted the charge, so it is never sent again.
        if (!isErrorOfKey(error)) trip(error);
        return decideAway(charges);
      }
    },

    async ping() {
      if (!isAway) await probe();
      if (isAway && mode === "deny") throw unavailable();
      return isAway ? "degraded" : "ok";
    },

    async open() {
      if (availability.startedAt() === undefined) trip(availability.lastError());
      else await probe();
    },

    close() {
      isClosed = true;
      clearInterval(timer);
    },
  };
}

function unavailable(): AuthError {
  const details = { retryAfterMs: UNAVAILABLE_RETRY_MS };
  const cause = new Error("Redis is away");
  return new AuthError("unavailable", "the limits cannot be checked now. Try again later", details, { cause });
}

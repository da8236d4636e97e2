// The limiter over a store that may be away: by a deadline and a breaker, and by this gateway's own admissions until the
// store is back and has been told of them. Knows no driver.

import { AuthError } from "../errors.ts";
import type { Charge, Limiter, Verdict } from "../ports.ts";
import { limitsUnavailable } from "../refusals.ts";
import { createBreaker } from "./breaker.ts";
import { createDeadline } from "./deadline.ts";
import { createShadow, type ShadowLog } from "./shadow.ts";
import type { Reach, SharedLimiter, SharedVerdict } from "./shared.ts";
import { createStoreClock } from "./store-clock.ts";
import type { WhenAway } from "./when-away.ts";

export interface FallbackOptions {
  readonly limiter: SharedLimiter;
  readonly reach: Reach;
  readonly whenAway: WhenAway;
  /** How many gateways share the limits. */
  readonly instances: number;
  /** How long the store may take to decide, in milliseconds. */
  readonly deadlineMs: number;
  /** Milliseconds since any fixed instant, monotonic. */
  readonly elapsed: () => number;
  readonly hearing: FallbackHearing;
}

/** What is told of it. */
export interface FallbackHearing {
  /** The store is away, or is back and was told of so many logs. */
  changed(
    change: { readonly away: Error } | { readonly back: { readonly logs: number; readonly lost: boolean } },
  ): void;
  /** Charges were decided without the store. */
  decided(outcome: "admitted" | "denied" | "refused"): void;
}

export interface FallbackLimiter extends Limiter {
  /** Resolves once the store is at hand, or is known to be away. */
  open(now: number): Promise<void>;
  close(): void;
}

const PROBE_MS = 250;
/** A connection that has not answered for so many probes is replaced. */
const PROBES_PER_CONNECTION = 4;
/**
 * A store that lost its logs is trusted this long after it was found: by then every gateway has found it (a probe and a
 * deadline) and told it of what it admitted.
 */
const SETTLE_MS = 600;
const MERGE_DEADLINE_MS = 1_000;
const LOGS_PER_TURN = 500;

/** A limiter that decides by `limiter`, and while its store is away as `whenAway` has it. */
export function createFallbackLimiter(options: FallbackOptions): FallbackLimiter {
  const { limiter, reach, whenAway, instances, elapsed, hearing } = options;
  const shadow = createShadow(instances);
  const expire = (): Error => new Error("Redis did not answer in time");
  const within = createDeadline({ ms: options.deadlineMs, elapsed, expire });
  const withinMerge = createDeadline({ ms: MERGE_DEADLINE_MS, elapsed, expire });
  const clock = createStoreClock(elapsed);
  let trusted: string | undefined;
  let silentProbes = 0;
  let recovered = { logs: 0, lost: false };

  const breaker = createBreaker({
    recover,
    everyMs: PROBE_MS,
    onChange: (cause) => hearing.changed(cause === undefined ? { back: recovered } : { away: cause }),
  });
  reach.onLost(breaker.trip);

  /** Decides without the store. What it may have written of a call that was given up is learnt when it says so after all. */
  function decideAlone(charges: readonly Charge[], now: number, call?: Promise<SharedVerdict>): Verdict {
    if (whenAway === "deny") {
      hearing.decided("refused");
      throw limitsUnavailable(new Error("Redis is away"));
    }
    const at = clock.read(now);
    const verdict = whenAway === "allow" ? ALL_ADMITTED : shadow.read(charges, at);
    hearing.decided(verdict.denied === -1 ? "admitted" : "denied");
    if (verdict.denied !== -1) return verdict;
    shadow.admit(charges, at);
    call?.then(({ receipts }) => shadow.settle(charges, at, receipts)).catch(() => {});
    return whenAway === "allow" ? ALL_ADMITTED : { denied: -1, states: shadow.read(charges, at).states };
  }

  /** Tells the store what it must know before it is trusted. @throws when it does not answer */
  async function recover(): Promise<void> {
    // 1. Found: does it answer, and is it still the one that was trusted?
    const servers = await find();
    const foundAt = elapsed();
    const lost = servers !== trusted;
    const error = clock.set(await within(limiter.probe(now())));
    if (Math.abs(error) > LARGEST_CLOCK_ERROR_US) shadow.shift(error);

    // 2. Told: of everything where it may have lost what it knew, else of what was decided without it.
    let logs = await tell(shadow.list(lost ? "all" : "untold", now() * 1000));

    // 3. Settled: others tell it of theirs meanwhile, and this gateway goes on deciding alone.
    if (lost) await wait(SETTLE_MS - (elapsed() - foundAt));
    for (let rest = listUntold(); rest.length > 0; rest = listUntold()) logs += await tell(rest);
    trusted = servers;
    recovered = { logs, lost };
  }

  /** By the store's clock as it is known here, in milliseconds. */
  const now = (): number => clock.read(0) / 1000;
  const listUntold = (): ShadowLog[] => shadow.list("untold", now() * 1000);

  async function find(): Promise<string> {
    try {
      const servers = await within(reach.identify());
      silentProbes = 0;
      return servers;
    } catch (error) {
      if (silentProbes++ % PROBES_PER_CONNECTION === 0) reach.replace();
      throw error;
    }
  }

  async function tell(logs: readonly ShadowLog[]): Promise<number> {
    for (let place = 0; place < logs.length; place += LOGS_PER_TURN) {
      const turn = logs.slice(place, place + LOGS_PER_TURN);
      const generations = await withinMerge(limiter.merge(turn, now()));
      for (const [order, log] of turn.entries()) shadow.told(log, generations[order] ?? 0);
    }
    return logs.length;
  }

  return {
    async charge(charges, now) {
      // 1. Known: a denial that holds whatever the store says.
      const known = limiter.recall(charges, now);
      if (known !== undefined) return known;

      // 2. Away.
      if (breaker.away()) return decideAlone(charges, now);

      // 3. Decided by the store, in time; what it does not answer is never asked again.
      const call = limiter.charge(charges, now);
      try {
        const verdict = await within(call);
        if (verdict.now !== undefined) clock.set(verdict.now);
        shadow.record(charges, verdict.receipts);
        return verdict;
      } catch (error) {
        breaker.trip(causeOf(error));
        return decideAlone(charges, now, call);
      }
    },

    peek(charge, now) {
      const known = limiter.peek(charge, now);
      if (known !== undefined || whenAway !== "local" || !breaker.away()) return known;
      const { denied, states } = shadow.read([charge], clock.read(now));
      return states[denied];
    },

    async ping() {
      if (!breaker.away()) {
        try {
          await within(limiter.ping());
          return "ok";
        } catch (error) {
          breaker.trip(causeOf(error));
        }
      }
      if (whenAway === "deny") throw limitsUnavailable(new Error("Redis is away"));
      return "degraded";
    },

    async open(now) {
      clock.read(now);
      try {
        trusted = await withinMerge(reach.identify());
      } catch (error) {
        breaker.trip(causeOf(error));
      }
    },

    close: () => breaker.close(),
  };
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());

/** What is behind the refusal that a limiter makes of it. */
function causeOf(error: unknown): Error {
  const cause = error instanceof AuthError ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause : new Error("unknown");
}

const ALL_ADMITTED: Verdict = { denied: -1, states: [] };
/** More than that is no drift: the store runs by another clock now. */
const LARGEST_CLOCK_ERROR_US = 100_000;

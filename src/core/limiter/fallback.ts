// The limiter over a store that may be away: by a deadline and a breaker, and by this gateway's own admissions until the
// store is back and has been told of them. Knows no driver.

import { createDeadline } from "../deadline.ts";
import { AuthError } from "../errors.ts";
import type { Charge, Limiter, Verdict } from "../ports.ts";
import { limitsUnavailable } from "../refusals.ts";
import { createBreaker } from "./breaker.ts";
import { createGate } from "./gate.ts";
import { createRecovery, type Recovered } from "./recovery.ts";
import { createShadow } from "./shadow.ts";
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
  /** What our clock says now, in unix milliseconds. */
  readonly startedAt: number;
  readonly hearing: FallbackHearing;
}

/** What is told of it. */
export interface FallbackHearing {
  /** The store is away, or is back. */
  changed(change: { readonly away: Error } | { readonly back: Recovered }): void;
  /** It is away still, and this is why. */
  stillAway(cause: Error): void;
  /** Charges were decided without the store. */
  decided(outcome: "admitted" | "denied" | "refused"): void;
}

export interface FallbackLimiter extends Limiter {
  /** Resolves once the store is at hand, or is known to be away. */
  open(): Promise<void>;
  close(): void;
}

const PROBE_MS = 250;
/** As long as the connection of a call that was given up is kept, and what the call comes to is heard. */
export const HEARING_MS = PROBE_MS;

/** A limiter that decides by `limiter`, and while its store is away as `whenAway` has it. */
export function createFallbackLimiter(options: FallbackOptions): FallbackLimiter {
  const { limiter, reach, whenAway, instances, elapsed, hearing } = options;
  const shadow = createShadow(instances);
  const expire = (): Error => new Error("Redis did not answer in time");
  const within = createDeadline({ ms: options.deadlineMs, elapsed, expire });
  const clock = createStoreClock(elapsed, options.startedAt);
  const gate = createGate((charge) => shadow.used(charge, clock.read()));
  const recovery = createRecovery({ limiter, reach, shadow, clock, within, instances, elapsed, expire });
  const breaker = createBreaker({
    recover: recovery.recover,
    everyMs: PROBE_MS,
    onAway: (cause) => hearing.changed({ away: cause }),
    onStillAway: (error) => hearing.stillAway(causeOf(error)),
    onBack: (back) => hearing.changed({ back }),
  });
  reach.onLost(breaker.trip);

  /** Decides without the store. What it may have written of a call that was given up is learnt when it says so after all. */
  function decideAlone(charges: readonly Charge[], call?: Promise<SharedVerdict>): Verdict {
    if (whenAway === "deny") {
      hearing.decided("refused");
      throw limitsUnavailable(new Error("Redis is away"));
    }
    const at = clock.read();
    const verdict = whenAway === "allow" ? ALL_ADMITTED : shadow.read(charges, at);
    hearing.decided(verdict.denied === -1 ? "admitted" : "denied");
    if (verdict.denied !== -1) return verdict;
    shadow.admit(charges, at);
    call?.then(
      ({ receipts }) => {
        shadow.settle(charges, at, receipts);
        breaker.retry();
      },
      () => {},
    );
    return whenAway === "allow" ? ALL_ADMITTED : { denied: -1, states: shadow.read(charges, at).states };
  }

  return {
    async charge(charges, now) {
      // 1. Away, and not decided here.
      if (breaker.away() && whenAway !== "local") return decideAlone(charges);

      for (;;) {
        // 2. Known: a denial that holds whatever the store says.
        const known = limiter.recall(charges, now);
        if (known !== undefined) return known;

        // 3. Away.
        if (breaker.away()) return decideAlone(charges);

        // 4. Asked about already, as often as there may be room: what comes of that may answer this.
        const changed = gate.wait(charges);
        if (changed === undefined) break;
        await changed;
      }

      // 5. Decided by the store, in time; what it does not answer is never asked again.
      const leave = gate.enter(charges);
      const call = limiter.charge(charges, now);
      let verdict: SharedVerdict;
      try {
        verdict = await within(call);
      } catch (error) {
        if (!limiter.isOfKey(error)) breaker.trip(causeOf(error));
        leave([]);
        return decideAlone(charges, call);
      }
      if (verdict.now !== undefined) clock.learn(verdict.now);
      shadow.record(charges, verdict.receipts);
      leave(verdict.states);
      return verdict;
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

    async open() {
      try {
        await recovery.trust();
      } catch (error) {
        breaker.trip(causeOf(error));
      }
    },

    close: () => breaker.close(),
  };
}

/** What is behind the refusal that a limiter makes of it. */
function causeOf(error: unknown): Error {
  const cause = error instanceof AuthError ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause : new Error("unknown");
}

const ALL_ADMITTED: Verdict = { denied: -1, states: [] };

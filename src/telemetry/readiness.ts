// Readiness: whether logins can be answered, part by part.

import type { Limiter, TokenSigner } from "../core/ports.ts";

type State = "ok" | "degraded" | "unavailable";

export interface Readiness extends Partial<Readonly<Record<"limits" | "store" | "signer", State>>> {
  /**
   * `degraded`: logins are answered, but limits are not exact or the database cannot be written. `draining`: the gateway stops
   * soon.
   */
  readonly status: "ready" | "degraded" | "unavailable" | "draining";
}

export interface ReadinessParts {
  readonly limiter: Limiter;
  readonly store: { ping(): Promise<"ok" | "degraded"> };
  readonly signer: TokenSigner;
  /** A monotonic clock, in milliseconds. */
  readonly elapsed: () => number;
}

export interface ReadinessCheck {
  /** Checks each part that a login needs. */
  check(): Promise<Readiness>;
  /** As `check`, for strangers: it checks the parts at most once a second. */
  checkSeldom(): Promise<Readiness>;
  /** Reports `draining` from now on. */
  drain(): void;
}

const SELDOM_MS = 1_000;

/** Creates the check. */
export function createReadinessCheck({ limiter, store, signer, elapsed }: ReadinessParts): ReadinessCheck {
  let isDraining = false;
  let last: { readonly at: number; readonly readiness: Promise<Readiness> } | undefined;

  async function checkParts(): Promise<Readiness> {
    const [limits, database] = await Promise.allSettled([limiter.ping(), store.ping()]);
    const parts = {
      limits: limits.status === "fulfilled" ? limits.value : "unavailable",
      store: database.status === "fulfilled" ? database.value : "unavailable",
      signer: signer.ready() ? "ok" : "unavailable",
    } as const;
    const states: readonly State[] = Object.values(parts);
    const status = states.includes("unavailable") ? "unavailable" : states.includes("degraded") ? "degraded" : "ready";
    return { status, ...parts };
  }

  return {
    check: async () => (isDraining ? { status: "draining" } : checkParts()),
    async checkSeldom() {
      if (isDraining) return { status: "draining" };
      const at = elapsed();
      if (last === undefined || at - last.at > SELDOM_MS) last = { at, readiness: checkParts() };
      return { status: (await last.readiness).status };
    },
    drain() {
      isDraining = true;
    },
  };
}

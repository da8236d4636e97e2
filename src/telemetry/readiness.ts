// Whether logins can be answered now, part by part.

import type { Limiter, TokenSigner } from "../core/ports.ts";

type State = "ok" | "degraded" | "unavailable";

export interface Readiness extends Readonly<Record<"limits" | "store" | "signer", State>> {
  /** `degraded`: logins are answered, by limits that are bounded and not exact, or while the database cannot be written. */
  readonly status: "ready" | "degraded" | "unavailable";
}

/** Asks each part that a login needs. */
export async function checkReadiness(
  limiter: Limiter,
  store: { ping(): Promise<"ok" | "degraded"> },
  signer: TokenSigner,
): Promise<Readiness> {
  const [limits, database] = await Promise.allSettled([limiter.ping(), store.ping()]);
  const parts: Omit<Readiness, "status"> = {
    limits: limits.status === "fulfilled" ? limits.value : "unavailable",
    store: database.status === "fulfilled" ? database.value : "unavailable",
    signer: signer.ready() ? "ok" : "unavailable",
  };
  const states: readonly State[] = Object.values(parts);
  const status = states.includes("unavailable") ? "unavailable" : states.includes("degraded") ? "degraded" : "ready";
  return { status, ...parts };
}

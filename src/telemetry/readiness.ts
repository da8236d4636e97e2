// Readiness: whether logins can be answered, part by part.

import type { Limiter, TokenSigner } from "../core/ports.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";

type State = "ok" | "degraded" | "unavailable";

export interface Readiness extends Readonly<Record<"limits" | "store" | "signer", State>> {
  /** `degraded`: logins are answered, under limits that are bounded and not exact. */
  readonly status: "ready" | "degraded" | "unavailable";
}

/** Checks each part that a login needs. */
export async function checkReadiness(
  limiter: Limiter,
  store: Pick<SigningKeyStore, "read">,
  signer: TokenSigner,
): Promise<Readiness> {
  const [limits, keys] = await Promise.allSettled([limiter.ping(), store.read()]);
  const parts: Omit<Readiness, "status"> = {
    limits: limits.status === "fulfilled" ? limits.value : "unavailable",
    store: keys.status === "fulfilled" ? "ok" : "unavailable",
    signer: signer.ready() ? "ok" : "unavailable",
  };
  const states: readonly State[] = Object.values(parts);
  const status = states.includes("unavailable") ? "unavailable" : states.includes("degraded") ? "degraded" : "ready";
  return { status, ...parts };
}

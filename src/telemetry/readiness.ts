// Whether logins can be answered now, part by part. Knows ports, and nothing of how it is asked.

import type { Limiter, TokenSigner } from "../core/ports.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";

export interface Readiness {
  /** `degraded`: logins are answered, with limits that are bounded and not exact. */
  readonly status: "ready" | "degraded" | "unavailable";
  /** By part. */
  readonly parts: Readonly<Record<"limits" | "store" | "signer", "ok" | "degraded" | "unavailable">>;
}

/** Asks each part that a login needs. */
export async function checkReadiness(
  limiter: Limiter,
  store: Pick<SigningKeyStore, "read">,
  signer: TokenSigner,
): Promise<Readiness> {
  const [limits, kept] = await Promise.allSettled([limiter.ping(), store.read()]);
  const parts = {
    limits: limits.status === "fulfilled" ? limits.value : "unavailable",
    store: kept.status === "fulfilled" ? "ok" : "unavailable",
    signer: signer.ready() ? "ok" : "unavailable",
  } as const;
  const all: readonly string[] = Object.values(parts);
  const status = all.includes("unavailable") ? "unavailable" : all.includes("degraded") ? "degraded" : "ready";
  return { status, parts };
}

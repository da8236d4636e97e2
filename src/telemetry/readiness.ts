// Whether logins can be answered now, part by part. Knows ports, and nothing of how it is asked.

import type { Limiter, SigningKeyStore, TokenSigner } from "../core/ports.ts";

export interface Readiness {
  readonly ready: boolean;
  /** `ok` or `unavailable`, by part. */
  readonly parts: Readonly<Record<"limits" | "store" | "signer", string>>;
}

/** Asks each part that a login needs. */
export async function checkReadiness(
  limiter: Limiter,
  store: SigningKeyStore,
  signer: TokenSigner,
): Promise<Readiness> {
  const [limits, kept] = await Promise.allSettled([limiter.ping(), store.active()]);
  const say = (works: boolean): string => (works ? "ok" : "unavailable");
  const parts = {
    limits: say(limits.status === "fulfilled"),
    store: say(kept.status === "fulfilled"),
    signer: say(signer.ready()),
  };
  return { ready: Object.values(parts).every((part) => part === "ok"), parts };
}

// Whether a customer key proves anything now.

import type { StoredCustomerKey } from "./ports.ts";

export type KeyState = "pending" | "live" | "expired" | "retired";

/** A key's state at `now`, in unix milliseconds. */
export function stateOf({ notBefore, expiresAt, retiredAt }: StoredCustomerKey, now: number): KeyState {
  if (retiredAt !== undefined) return "retired";
  if (expiresAt !== undefined && expiresAt <= now) return "expired";
  return notBefore > now ? "pending" : "live";
}

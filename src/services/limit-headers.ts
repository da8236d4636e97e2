// The headers that tell a caller where a limit stands. Knows policies, and no transport.

import type { LimitState } from "../core/ports.ts";

/**
 * Sets `X-RateLimit-*` as the contract has them (reset in unix seconds) and the fields of the IETF draft
 * (draft-ietf-httpapi-ratelimit-headers: `t` in seconds to go).
 */
export function setLimitHeaders(headers: Headers, state: LimitState | undefined): void {
  if (state === undefined) return;
  const { policy, remaining, resetMs, decidedAt } = state;
  headers.set("X-RateLimit-Limit", String(policy.limit));
  headers.set("X-RateLimit-Remaining", String(remaining));
  headers.set("X-RateLimit-Reset", String(Math.ceil((decidedAt + resetMs) / 1000)));
  headers.set("RateLimit-Policy", `"${policy.name}";q=${policy.limit};w=${Math.ceil(policy.windowMs / 1000)}`);
  headers.set("RateLimit", `"${policy.name}";r=${remaining};t=${Math.ceil(resetMs / 1000)}`);
}

// Tokens that are revoked one by one.

import { malformed } from "../errors.ts";
import { isTokenId } from "../ids.ts";
import { LONGEST_TOKEN_LIFE_MS } from "../ports.ts";
import { createAuditEntry } from "./audit.ts";
import type { Actor, AuditEntry } from "./ports.ts";

export interface RevokedToken {
  readonly jti: string;
  /** The token has expired by then for certain, in unix milliseconds. */
  readonly expiresAt: number;
}

/** Revoked tokens until they have expired. As CustomerStore. */
export interface RevokedTokenStore {
  /** One that is there keeps the later `expiresAt`; there is no entry when that changes nothing. @returns the stored row */
  insert(token: RevokedToken, entry: AuditEntry): Promise<RevokedToken>;
  /** Deletes at most `most` that have expired at `now`, without an entry. @returns how many */
  prune(now: number, most: number): Promise<number>;
}

/**
 * Revokes a token at every gateway's next check, whether or not it was issued: issued tokens are not stored.
 * @throws AuthError `malformed`, or an error of the store
 */
export type RevokeToken = (jti: string, actor: Actor) => Promise<RevokedToken>;

/** The longest token, and a day for a gateway whose clock is ahead. */
const KEPT_MS = LONGEST_TOKEN_LIFE_MS + 86_400_000;

/** `now` in unix milliseconds. */
export function createRevokeToken(revokedTokens: RevokedTokenStore, now: () => number): RevokeToken {
  return async (jti, actor) => {
    if (!isTokenId(jti)) {
      throw malformed(
        "jti is no name of a token. It has 20 letters and digits and hyphens and underscores. For all tokens of a device there is devices revoke-tokens",
        "jti",
      );
    }
    const at = now();
    const entry = createAuditEntry(actor, at, "RevokeToken", { resource: `tokens/${jti}`, customerId: "" });
    return revokedTokens.insert({ jti, expiresAt: at + KEPT_MS }, entry);
  };
}

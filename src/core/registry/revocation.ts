// Token ids, and revocation of one token or of a device's tokens.

import { hash, randomFillSync } from "node:crypto";
import { malformed } from "../errors.ts";
import { LONGEST_TOKEN_LIFE_MS, type RevocationMarks } from "../ports.ts";
import type { Actor, AuditEntry } from "./ports.ts";

/** 48 bits: two epochs of one device are equal by chance once in 10^14. */
const EPOCH_CHARACTERS = 8;
const RANDOM_BYTES = 9;
/** An epoch of 8 characters and 12 random ones, in base64url. */
const TOKEN_ID = /^[\w-]{20}$/;

/** The epoch of tokens that are issued now. Each change of a revocation mark changes the epoch. */
export function epochOf({ customerId, createdAt, device, customer }: RevocationMarks): string {
  return hash("sha256", `${customerId} ${createdAt} ${device} ${customer}`, "base64url").slice(0, EPOCH_CHARACTERS);
}

/** Random bytes for the next tokens. Fetching them for each token would cost 3 µs a login. */
const pool = Buffer.alloc(RANDOM_BYTES * 512);
let used = pool.length;

/** Names a token (jti, RFC 7519, 4.1.7): its epoch, and 72 random bits in base64url. */
export function nameToken(epoch: string): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const start = used;
  used += RANDOM_BYTES;
  return epoch + pool.toString("base64url", start, used);
}

/** The epoch in a jti; undefined for a jti of another shape. */
export function readEpoch(jti: string): string | undefined {
  return TOKEN_ID.test(jti) ? jti.slice(0, EPOCH_CHARACTERS) : undefined;
}

/** The mark of a revocation at `now`, in Unix milliseconds. It is always later than `before`, even if the clock stepped back. */
export function markRevocation(before: number, now: number): number {
  return Math.max(before + 1, now);
}

export interface RevokedToken {
  readonly jti: string;
  /** A time at which the token has certainly expired, in Unix milliseconds. */
  readonly expiresAt: number;
}

/** The store of revoked tokens that have not expired. Transactions and errors as in ResourceStore. */
export interface RevokedTokenStore {
  /** A token that is already stored keeps the later `expiresAt`. Without a change there is no entry. @returns the stored row */
  insert(token: RevokedToken, entry: AuditEntry): Promise<RevokedToken>;
  /** Deletes at most `most` tokens that have expired at `now`, without an entry. @returns their number */
  prune(now: number, most: number): Promise<number>;
}

/**
 * Revokes a token: every gateway's next check refuses it. Any jti is accepted, since issued tokens are not stored.
 * @throws AuthError `malformed`, or an error of the store
 */
export type RevokeToken = (jti: string, actor: Actor) => Promise<RevokedToken>;

/** A token's longest life, plus a day for a gateway whose clock is ahead. */
const REVOKED_MS = LONGEST_TOKEN_LIFE_MS + 86_400_000;

/** `now` in Unix milliseconds. */
export function createRevokeToken(revokedTokens: RevokedTokenStore, now: () => number): RevokeToken {
  return async (jti, actor) => {
    if (!TOKEN_ID.test(jti)) {
      throw malformed(
        "jti is not a token id. A token id has 20 letters and digits and hyphens and underscores. To revoke all tokens of a device use devices revoke-tokens",
        "jti",
      );
    }
    const at = now();
    const entry = { actor, at, action: "RevokeToken", resource: `tokens/${jti}`, customerId: "", details: {} };
    return revokedTokens.insert({ jti, expiresAt: at + REVOKED_MS }, entry);
  };
}

// The use-case of a token check: signed -> not revoked.

import { type AuthError, malformed, tokenInvalid, tokenRevoked } from "./errors.ts";
import type { CredentialStore, Standing, TokenClaims } from "./ports.ts";
import { epochOf, readEpoch } from "./registry/revocation.ts";

/**
 * The use-case: checks a token. @throws AuthError `malformed` for an empty token; `expired`; `invalid`, also for a missing
 * token; `revoked`; `unavailable`
 */
export type VerifyToken = (token: string | undefined) => Promise<TokenClaims>;

/** VerifyToken with the caller, whom the observers log. */
export type VerifyTokenFor<From> = (token: string | undefined, caller: From) => Promise<TokenClaims>;

/**
 * Builds the use-case over its ports.
 * @param verify accepts tokens of this gateway's signer alone. It throws AuthError `expired`, `invalid`; `revoked` for a token of a
 * revoked key; `unavailable` while the keys cannot be read
 * @param clock in unix milliseconds
 */
export function createVerifyToken(
  verify: (token: string, now: number) => Promise<TokenClaims>,
  credentials: Pick<CredentialStore, "findStanding">,
  clock: () => number,
): VerifyToken {
  return async function verifyToken(token) {
    const now = clock();
    if (token === "") throw malformed("token is missing", "token");
    if (token === undefined) throw tokenInvalid("the header x-access-token is missing");

    // 1. Signed by this gateway, with valid claims: a forged token costs no look-up.
    const claims = await verify(token, now);

    // 2. Not revoked, and its device and customer enabled: one read.
    const error = judge(await credentials.findStanding(claims.deviceKey, claims.jti), claims);
    if (error !== undefined) throw error;
    return claims;
  };
}

/** The error for a revoked token; undefined for a valid one. */
function judge(
  { enrolled, enabled, marks, isRevoked }: Standing,
  { customerId, jti }: TokenClaims,
): AuthError | undefined {
  // "Log in again" would make a deleted device retry for ever.
  if (!enrolled) return tokenRevoked("its device was deleted", "The device is let in once its operator enrols it");
  if (marks.customerId !== customerId) return tokenRevoked("its device was deleted and another has its name");
  if (!enabled) {
    return tokenRevoked("its device or the customer was disabled", "The device is let in once its operator enables it");
  }
  const isGood = !isRevoked && readEpoch(jti) === epochOf(marks);
  return isGood ? undefined : tokenRevoked("an operator revoked it");
}

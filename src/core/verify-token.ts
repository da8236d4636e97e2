// Telling whether a token is still good: signed -> its device in good standing -> not taken back. Knows no protocol.

import { type AuthError, malformed } from "./errors.ts";
import type { CredentialStore, Standing, TokenClaims, TokenRevocations, TokenVerifier } from "./ports.ts";
import { tokenInvalid, tokenRevoked } from "./refusals.ts";
import { epochOf, readEpoch } from "./token-id.ts";

/**
 * The use-case: whose a token is. @throws AuthError `malformed` for an empty one, `expired`, `invalid` for none too, `revoked`,
 * `unavailable`
 */
export type VerifyToken = (token: string | undefined) => Promise<TokenClaims>;

/** The same for a caller, by whom it is observed. */
export type VerifyTokenFor<From> = (token: string | undefined, caller: From) => Promise<TokenClaims>;

export interface VerifyTokenDependencies {
  readonly verifier: TokenVerifier;
  readonly credentials: Pick<CredentialStore, "findStanding">;
  readonly revocations: TokenRevocations;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Builds the use-case over its ports. */
export function createVerifyToken({
  verifier,
  credentials,
  revocations,
  now: clock,
}: VerifyTokenDependencies): VerifyToken {
  return async function verifyToken(token) {
    const now = clock();
    if (token === "") throw malformed("token is missing", "token");
    if (token === undefined) throw tokenInvalid("there is none in the header x-access-token");

    // 1. Signed here, and good by its own claims. Whoever has none that is gets no further, and costs no look-up.
    const claims = await verifier.verify(token, now);

    // 2. Its device is in good standing, and no revocation of it or of its customer came after the token. One that is remembered as
    // bad is looked at anew: a device that was let in again, or a token of after a revocation, is not refused for a memory.
    const remembered = judge(await credentials.findStanding(claims.deviceKey, now, "remembered"), claims);
    if (remembered !== undefined) {
      const refusal = judge(await credentials.findStanding(claims.deviceKey, now, "stored"), claims);
      if (refusal !== undefined) throw refusal;
    }

    // 3. Not taken back by itself.
    if (await revocations.isRevoked(claims.jti)) throw tokenRevoked("its operator took it back");
    return claims;
  };
}

/** Why a token of a device is good no more; undefined: it is. */
function judge({ enrolled, enabled, marks }: Standing, { customerId, jti }: TokenClaims): AuthError | undefined {
  // A board that no login lets in would try for ever, were it told to log in.
  if (!enrolled) return tokenRevoked("its device was deleted", "The device is let in once its operator enrols it");
  if (marks.customerId !== customerId) return tokenRevoked("its device was deleted and another has its name");
  if (!enabled) {
    return tokenRevoked("its device or the customer was disabled", "The device is let in once its operator enables it");
  }
  return readEpoch(jti) === epochOf(marks) ? undefined : tokenRevoked("its operator took it back");
}

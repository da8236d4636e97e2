// Telling whether a token is still good: signed -> its device in good standing -> not taken back. Knows no protocol.

import { malformed } from "./errors.ts";
import type { CredentialStore, TokenClaims, TokenRevocations, TokenVerifier } from "./ports.ts";
import { tokenInvalid, tokenRevoked } from "./refusals.ts";

/** The use-case: whose a token is. @throws AuthError `malformed` for an empty one, `expired`, `invalid` for none too, `revoked`, `unavailable` */
export type VerifyToken = (token: string | undefined) => Promise<TokenClaims>;

/** The same for a caller, by whom it is observed. */
export type VerifyTokenFor<From> = (token: string | undefined, caller: From) => Promise<TokenClaims>;

export interface VerifyTokenDependencies {
  readonly verifier: TokenVerifier;
  readonly credentials: Pick<CredentialStore, "find">;
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

    // 2. Its device is still there, and may log in.
    const { credential } = await credentials.find(claims.deviceKey, now);
    if (!credential.enrolled || credential.customerId !== claims.customerId) {
      throw tokenRevoked("its device was deleted");
    }
    if (!credential.enabled) throw tokenRevoked("its device or the customer was disabled");

    // 3. Not taken back, with all others of its device or customer or by itself.
    if (claims.issuedAtMs < credential.tokensNotBefore || (await revocations.isRevoked(claims.jti))) {
      throw tokenRevoked("its operator took it back");
    }
    return claims;
  };
}

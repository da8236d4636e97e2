// Signs tokens with the active key of the ring. Knows the claims of the contract, and no key or store.

import type { TokenSigner } from "../ports.ts";
import { createRandomIds } from "../random-ids.ts";
import type { ActiveKey } from "./keyring.ts";

export interface SignerOptions {
  /** Asked at each signature: with --dev it is known only once the listener is. */
  readonly issuer: () => string;
  readonly audience: string;
  readonly ttlSeconds: number;
  /** The key to sign with now; undefined while there is none. */
  readonly activeKey: () => ActiveKey | undefined;
}

/** A signer of JWTs (RFC 7519) with the claims of the contract. */
export function createTokenSigner({ issuer, audience, ttlSeconds, activeKey }: SignerOptions): TokenSigner {
  // 96 random bits, in few characters: boards read the whole answer into 1,000 bytes.
  const nextId = createRandomIds(12);
  return {
    expiresInSeconds: ttlSeconds,
    ready: () => activeKey() !== undefined,
    sign({ deviceKey, customerId }, now) {
      const key = activeKey();
      if (key === undefined) return Promise.reject(new Error("sign was called while ready() is false"));
      const iat = Math.floor(now / 1000);
      return key.signClaims({
        iss: issuer(),
        sub: deviceKey,
        aud: audience,
        iat,
        exp: iat + ttlSeconds,
        jti: nextId(),
        customer_id: customerId,
      });
    },
  };
}

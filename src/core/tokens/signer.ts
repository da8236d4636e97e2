// Signs tokens with the active key of the ring.

import type { Subject, TokenSigner } from "../ports.ts";
import { unsigned } from "../refusals.ts";
import { createTokenIds, epochOf } from "../token-id.ts";
import type { ActiveKey } from "./key-material.ts";

export interface SignerOptions {
  /** Asked at each signature: with --dev it is known only once the listener is. */
  readonly issuer: () => string;
  readonly audience: string;
  readonly ttlSeconds: number;
  /** The key to sign with now; undefined while there is none. */
  readonly activeKey: () => ActiveKey | undefined;
  /** Resolves once that is the key to sign with, whatever was slept through; undefined: it is already. May reject. */
  readonly confirm: () => Promise<void> | undefined;
}

/** A signer of JWTs (RFC 7519) with the claims of the contract. */
export function createTokenSigner({ issuer, audience, ttlSeconds, activeKey, confirm }: SignerOptions): TokenSigner {
  const nextId = createTokenIds();

  function signNow({ deviceKey, customerId, marks }: Subject, now: number): Promise<string> {
    const key = activeKey();
    if (key === undefined) return Promise.reject(unsigned());
    const iat = Math.floor(now / 1000);
    return key.signClaims({
      iss: issuer(),
      sub: deviceKey,
      aud: audience,
      iat,
      exp: iat + ttlSeconds,
      jti: nextId(epochOf(marks)),
      customer_id: customerId,
    });
  }

  return {
    expiresInSeconds: ttlSeconds,
    ready: () => activeKey() !== undefined,
    sign(subject, now) {
      const confirmed = confirm();
      // Nearly always it is known: then nothing is waited for.
      return confirmed === undefined ? signNow(subject, now) : confirmed.then(() => signNow(subject, now));
    },
  };
}

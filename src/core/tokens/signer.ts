// Signs tokens with the active key of the ring.

import { unsigned } from "../errors.ts";
import type { Subject, TokenSigner } from "../ports.ts";
import { epochOf, nameToken } from "../registry/revocation.ts";
import type { TokenType } from "./algorithms.ts";
import type { ActiveKey } from "./key-material.ts";

export interface SignerOptions {
  /** Asked at each signature: with --dev it is known only once the listener is. */
  readonly issuer: () => string;
  readonly audience: string;
  /** By default `JWT`. */
  readonly type?: TokenType;
  readonly ttlSeconds: number;
  /** The key to sign with now; undefined while there is none. */
  readonly activeKey: () => ActiveKey | undefined;
  /** Resolves once that is the key to sign with, whatever was slept through; undefined: it is already. May reject. */
  readonly confirm: () => Promise<void> | undefined;
}

/** A signer of JWTs (RFC 7519) with the claims of the contract. */
export function createTokenSigner(options: SignerOptions): TokenSigner {
  const { issuer, audience, type = "JWT", ttlSeconds, activeKey, confirm } = options;

  function signNow({ deviceKey, customerId, marks }: Subject, now: number): Promise<string> {
    const key = activeKey();
    if (key === undefined) return Promise.reject(unsigned());
    const iat = Math.floor(now / 1000);
    const claims = {
      iss: issuer(),
      sub: deviceKey,
      aud: audience,
      iat,
      exp: iat + ttlSeconds,
      jti: nameToken(epochOf(marks)),
      customer_id: customerId,
    };
    // RFC 9068, 2.2 requires client_id too: a device is its own client.
    return key.signClaims(type === "JWT" ? claims : { ...claims, client_id: deviceKey }, type);
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

// Verifies the gateway's tokens anywhere, offline: RFC 8725 throughout. Knows no framework.

import { compactVerify } from "jose";
import { systemClock } from "./clock.ts";
import { readPart, readTokenHeader } from "./compact-jws.ts";
import { tokenInvalid, tokenMissing } from "./errors.ts";
import { type Expected, type Identity, readIdentity } from "./identity.ts";
import { createKeyCache } from "./key-cache.ts";
import { readSettings } from "./settings.ts";

export interface VerifierOptions {
  /** The gateway's COUNTERSIGN_ISSUER, character by character: what `iss` is. */
  readonly issuer: string;
  /** The gateway's COUNTERSIGN_AUDIENCE: what `aud` is. */
  readonly audience: string;
  /** Where the issuer's keys are: `<issuer>/.well-known/jwks.json` unless told. */
  readonly jwksUrl?: string;
  /** Take keys over plain HTTP from elsewhere than this machine. Whoever is on the way can then forge tokens. */
  readonly allowHttp?: boolean;
  /** How far the clocks of issuer and service may be apart, in seconds: 5 unless told, at most 300. */
  readonly clockToleranceSeconds?: number;
  /**
   * For how long keys are good while the issuer cannot be reached, in seconds: a day unless told; Infinity: for ever; 0: for as long as its
   * last answer said, and no longer.
   */
  readonly maxStaleSeconds?: number;
  /** Told of each fetch of the keys that failed, for the service's log. */
  readonly onFetchError?: (error: Error) => void;
  /** The one that fetches keys; `globalThis.fetch` unless told. */
  readonly fetch?: typeof globalThis.fetch;
  /** The clock, in unix milliseconds. */
  readonly now?: () => number;
}

export interface Verifier {
  /**
   * Whose a token is. Asks the issuer for its keys once in a few minutes, and for nothing else.
   * @throws VerifyError, and nothing else
   */
  verify(token: string | null | undefined): Promise<Identity>;
}

/**
 * A verifier of one issuer's tokens for one audience. Make one for the whole service: it keeps the keys.
 * @throws TypeError that says which option is wrong, and how
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { fetch = globalThis.fetch, now = systemClock, onFetchError } = options;
  const { url, maxStaleMs, timeoutMs, ...expected } = readSettings(options);
  const keys = createKeyCache({
    source: { url, fetch, timeoutMs },
    now,
    maxStaleMs,
    ...(onFetchError === undefined ? {} : { onFetchError }),
  });
  return {
    async verify(token) {
      if (token === undefined || token === null || token === "") throw tokenMissing();
      if (typeof token !== "string") throw tokenInvalid("it is no string");
      // 1. Read.
      const { alg, kid } = readTokenHeader(token);
      // 2. Signed, by a key of the issuer, in the one way that the key is for.
      const key = await keys.find(kid);
      if (key === undefined) throw tokenInvalid("its issuer has no such key");
      if (key.alg !== alg) throw tokenInvalid("its algorithm is not that of its key");
      const claims = readPart(await readSigned(token, key.key, alg), "claims");
      // 3. Meant for this service, and now.
      return readIdentity(claims, expected satisfies Expected, now());
    },
  };
}

type Key = Parameters<typeof compactVerify>[1];

/** The bytes that were signed. @throws VerifyError `invalid` */
async function readSigned(token: string, key: Key, alg: string): Promise<Uint8Array> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: [alg] });
    return payload;
  } catch (error) {
    throw tokenInvalid("its signature is wrong", error);
  }
}

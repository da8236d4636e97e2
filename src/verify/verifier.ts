// Verifies the gateway's tokens anywhere, offline: RFC 8725 throughout. Knows no framework.

import { compactVerify } from "jose";
import { type Expected, readIdentity } from "./claims.ts";
import { monotonicClock, systemClock } from "./clock.ts";
import { readPart, readTokenHeader } from "./compact-jws.ts";
import { tokenInvalid, tokenMissing } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { createKeyCache, type KeyCache } from "./key-cache.ts";
import { readOptions, type VerifierOptions } from "./options.ts";

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
  const { fetch = globalThis.fetch, now = systemClock, monotonicNow = monotonicClock, onFetchError } = options;
  const { url, maxStaleMs, timeoutMs, ...expected } = readOptions(options);
  const keys = createKeyCache({
    source: { url, fetch, timeoutMs },
    now,
    monotonicNow,
    maxStaleMs,
    ...(onFetchError === undefined ? {} : { onFetchError }),
  });
  return verifierOf(expected, keys, now);
}

/** A verifier of what is expected, by keys that are kept elsewhere; `now` in unix milliseconds. */
export function verifierOf(expected: Expected, keys: KeyCache, now: () => number): Verifier {
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
      return readIdentity(claims, expected, now());
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

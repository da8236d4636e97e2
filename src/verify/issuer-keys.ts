// Loads the issuer's keys, and uses cached ones while it is away.

import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import { keysUnavailable } from "./errors.ts";

export interface IssuerKeysOptions {
  readonly url: string;
  /** How long cached keys are used while fetches fail, in milliseconds. */
  readonly maxStaleMs: number;
  readonly fetch: typeof globalThis.fetch;
  readonly onFetchError: (error: unknown) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The max-age of the gateway's JWK Set. */
const FRESH_MS = 300_000;
/** Least time between two fetches, which bounds the issuer's load by made-up kids and failures. */
const FETCH_SPACING_MS = 30_000;
/** Least time between two fetches before the first success, while every token waits for the keys. */
const FIRST_SPACING_MS = 1_000;
const TIMEOUT_MS = 5_000;

/** Creates the look-up of a token's key. It throws jose's errors and VerifyError `unavailable`. */
export function createIssuerKeys(options: IssuerKeysOptions): JWTVerifyGetKey {
  const { url, maxStaleMs, fetch, onFetchError, now } = options;
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: TIMEOUT_MS, [customFetch]: fetch });
  let local: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let triedAt = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let reloading: Promise<void> | undefined;

  // A clock that was set back counts like one that was set forward.
  const since = (then: number): number => Math.abs(now() - then);
  const spacing = (): number => (local === undefined ? FIRST_SPACING_MS : FETCH_SPACING_MS);

  async function fetchKeys(): Promise<void> {
    const startedAt = now();
    triedAt = startedAt;
    try {
      await remote.reload();
      const keys = remote.jwks();
      if (keys !== undefined) local = createLocalJWKSet(keys);
      fetchedAt = startedAt;
      failure = undefined;
    } catch (error) {
      failure = error;
      onFetchError(error);
    } finally {
      reloading = undefined;
    }
  }

  /** Fetches the keys, unless it tried within the spacing. Never rejects. */
  function reload(): Promise<void> {
    if (reloading === undefined && since(triedAt) >= spacing()) reloading = fetchKeys();
    return reloading ?? Promise.resolve();
  }

  return async (header, token) => {
    if (header?.kid === undefined) throw new errors.JWKSNoMatchingKey();
    if (since(fetchedAt) >= FRESH_MS) {
      const fetched = reload();
      // Callers with cached keys do not wait for an issuer that is known to be away.
      if (local === undefined || failure === undefined) await fetched;
    }
    const unavailable = (): Error => keysUnavailable(spacing() - since(triedAt), failure);
    if (local === undefined || since(fetchedAt) > Math.max(maxStaleMs, FRESH_MS)) throw unavailable();
    try {
      return await local(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await reload();
      // A new key and a made-up one look the same without the issuer.
      if (failure !== undefined) throw unavailable();
      return local(header, token);
    }
  };
}

// The issuer's keys, kept: when they are fetched, and how long they are good while that fails. Knows no token.

import { keysUnavailable } from "./errors.ts";
import { type KeySet, readKeySet, type VerifyingKey } from "./jwk-set.ts";
import { fetchJwks, type JwksSource } from "./jwks-fetch.ts";

export interface KeyCacheOptions {
  readonly source: JwksSource;
  /** Milliseconds since any moment, by a clock that nobody sets: how often is asked, and how old keys are, is no matter of the date. */
  readonly monotonicNow: () => number;
  /** For how long keys are good without any answer of the issuer, in milliseconds; for as long as the last one said at least. */
  readonly maxStaleMs: number;
  /** Told of each fetch that failed. */
  readonly onFetchError?: (error: Error) => void;
}

export interface KeyCache {
  /**
   * The key of a kid; undefined: the issuer has none of that name.
   * @throws VerifyError `unavailable` when it cannot be told
   */
  find(kid: string): Promise<VerifyingKey | undefined>;
}

/** Between two fetches, whatever asks for them: kids that strangers make up, freshness, failures. */
const FETCH_SPACING_MS = 30_000;
/** Without any key all waits for the first answer: from one second it doubles up to the spacing. */
const FIRST_RETRY_MS = 1_000;

/** Of an answer that does not say how long it is fresh. */
const USUAL_FRESHNESS_MS = 300_000;
/** The issuer counts on this (MAX_VERIFIER_CACHE_S): it publishes a key for longer before it signs, so that every verifier has it by then. */
const MAX_FRESHNESS_MS = 600_000;
/** From this part of its freshness on a set is fetched anew behind the requests' backs. */
const REFRESH_AHEAD = 0.8;

interface Kept {
  readonly keys: KeySet;
  readonly etag: string | undefined;
  readonly answeredAt: number;
  readonly freshForMs: number;
}

/** A cache that is empty at first. It has no timers: what is due is done when a token comes. */
export function createKeyCache({ source, monotonicNow, maxStaleMs, onFetchError }: KeyCacheOptions): KeyCache {
  let kept: Kept | undefined;
  let fetching: Promise<void> | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  /** Since the last success. */
  let failures = 0;
  let lastError: unknown;

  function spacing(): number {
    if (kept !== undefined) return FETCH_SPACING_MS;
    return failures === 0 ? 0 : Math.min(FETCH_SPACING_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  }

  /** Starts a fetch unless there is one under way, or was one lately. */
  function fetchUnlessLately(at: number): void {
    if (fetching !== undefined || at - askedAt < spacing()) return;
    askedAt = at;
    fetching = fetchAnew(at)
      .then(
        (fetched) => {
          kept = fetched;
          failures = 0;
        },
        (error: unknown) => {
          failures += 1;
          lastError = error;
          const told = error instanceof Error ? error : new Error("the JWK Set could not be fetched", { cause: error });
          if (onFetchError !== undefined) queueMicrotask(() => onFetchError(told));
        },
      )
      .finally(() => {
        fetching = undefined;
      });
  }

  /** What is not a set with a usable key rejects, and so never replaces one. */
  async function fetchAnew(at: number): Promise<Kept> {
    const { body, etag, freshForMs = USUAL_FRESHNESS_MS } = await fetchJwks(source, kept?.etag);
    const keys = body === undefined ? kept?.keys : await readKeySet(body);
    if (keys === undefined) throw new Error("the JWK Set was answered with 304, and there is none");
    const bounded = Math.min(MAX_FRESHNESS_MS, Math.max(FETCH_SPACING_MS, freshForMs));
    return { keys, etag, answeredAt: at, freshForMs: bounded };
  }

  async function keysNow(at: number): Promise<KeySet> {
    const age = kept === undefined ? Number.POSITIVE_INFINITY : at - kept.answeredAt;
    const freshForMs = kept?.freshForMs ?? 0;
    if (age >= freshForMs * REFRESH_AHEAD) fetchUnlessLately(at);
    // What went unused for long is looked at anew first: a key may have been revoked. Nobody waits for an issuer that is away.
    if (age >= freshForMs && (failures === 0 || kept === undefined)) await fetching;
    if (kept === undefined || at - kept.answeredAt > Math.max(maxStaleMs, kept.freshForMs)) throw unavailable(at);
    return kept.keys;
  }

  function unavailable(at: number): Error {
    return keysUnavailable(spacing() - (at - askedAt), lastError);
  }

  return {
    async find(kid) {
      const at = monotonicNow();
      const key = (await keysNow(at)).get(kid);
      if (key !== undefined) return key;
      fetchUnlessLately(at);
      await fetching;
      const found = kept?.keys.get(kid);
      // Without an answer there is no telling a new key from one that is made up.
      if (found === undefined && failures > 0) throw unavailable(at);
      return found;
    },
  };
}

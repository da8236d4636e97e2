// The issuer's keys, kept: when they are fetched, and how long they are good while that fails. Knows no token.

import { keysUnavailable } from "./errors.ts";
import { type KeySet, readKeySet, type VerifyingKey } from "./jwk-set.ts";
import { fetchJwks, type JwksSource } from "./jwks-fetch.ts";

export interface KeyCacheOptions {
  readonly source: JwksSource;
  /** Unix milliseconds: this clock goes on while a machine sleeps. */
  readonly now: () => number;
  /** Milliseconds since any moment, by a clock that nobody sets. */
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

/** By both clocks. */
interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

const LONG_AGO: Instant = { wall: Number.NEGATIVE_INFINITY, monotonic: Number.NEGATIVE_INFINITY };

/** Milliseconds, by the clock that went further: one that is set back prolongs nothing, and a machine that slept knows of it. */
function since(then: Instant, at: Instant): number {
  return Math.max(at.wall - then.wall, at.monotonic - then.monotonic);
}

interface Kept {
  readonly keys: KeySet;
  readonly etag: string | undefined;
  readonly answeredAt: Instant;
  readonly freshForMs: number;
}

/** A cache that is empty at first. It has no timers: what is due is done when a token comes. */
export function createKeyCache({ source, now, monotonicNow, maxStaleMs, onFetchError }: KeyCacheOptions): KeyCache {
  let kept: Kept | undefined;
  let fetching: Promise<void> | undefined;
  let askedAt = LONG_AGO;
  /** Since the last success. */
  let failures = 0;
  let lastError: unknown;

  function spacing(): number {
    if (kept !== undefined) return FETCH_SPACING_MS;
    return failures === 0 ? 0 : Math.min(FETCH_SPACING_MS, FIRST_RETRY_MS * 2 ** (failures - 1));
  }

  /** Starts a fetch unless there is one under way, or was one lately. */
  function fetchUnlessLately(at: Instant): void {
    if (fetching !== undefined || since(askedAt, at) < spacing()) return;
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
          // A log that fails is not to end the service.
          if (onFetchError !== undefined) new Promise((resolve) => resolve(onFetchError(told))).catch(() => {});
        },
      )
      .finally(() => {
        fetching = undefined;
      });
  }

  /** What is not a set with a usable key rejects, and so never replaces one. */
  async function fetchAnew(at: Instant): Promise<Kept> {
    const { body, etag, freshForMs = USUAL_FRESHNESS_MS } = await fetchJwks(source, kept?.etag);
    const keys = body === undefined ? kept?.keys : await readKeySet(body);
    if (keys === undefined) throw new Error("the JWK Set was answered with 304, and there is none");
    const bounded = Math.min(MAX_FRESHNESS_MS, Math.max(FETCH_SPACING_MS, freshForMs));
    return { keys, etag, answeredAt: at, freshForMs: bounded };
  }

  async function keysNow(at: Instant): Promise<KeySet> {
    const age = kept === undefined ? Number.POSITIVE_INFINITY : since(kept.answeredAt, at);
    const freshForMs = kept?.freshForMs ?? 0;
    if (age >= freshForMs * REFRESH_AHEAD) fetchUnlessLately(at);
    // What went unused for long is looked at anew first: a key may have been revoked. Nobody waits for an issuer that is away.
    if (age >= freshForMs && (failures === 0 || kept === undefined)) await fetching;
    if (kept === undefined || isStale(kept, at)) throw unavailable(at);
    return kept.keys;
  }

  /** By the clock that nobody sets alone: a date that is wrong for a while ends no service. */
  function isStale({ answeredAt, freshForMs }: Kept, at: Instant): boolean {
    return at.monotonic - answeredAt.monotonic > Math.max(maxStaleMs, freshForMs);
  }

  function unavailable(at: Instant): Error {
    return keysUnavailable(spacing() - since(askedAt, at), lastError);
  }

  return {
    async find(kid) {
      const at = { wall: now(), monotonic: monotonicNow() };
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

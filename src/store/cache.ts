// A bounded cache before a CredentialStore. Knows nothing of what it caches but how long it may.

import { LRUCache } from "lru-cache";
import type { Credential, CredentialStore } from "../core/ports.ts";

export interface CacheOptions {
  /** As many devices are kept; as many unknown names apart from them, so that strangers' guesses evict no device. */
  readonly capacity: number;
  /** How long an entry may be out of date, in milliseconds: the bound on what another process changed. */
  readonly ttlMs: number;
}

export interface CredentialCache extends CredentialStore {
  forget(deviceKey: string): void;
  clear(): void;
}

interface Entry {
  readonly since: number;
  readonly credential: Credential | undefined;
}

/** Caches what `store` finds, and that it found nothing; look-ups of one device at once are made once. */
export function createCredentialCache(store: CredentialStore, { capacity, ttlMs }: CacheOptions): CredentialCache {
  const known = new LRUCache<string, Entry>({ max: capacity });
  const unknown = new LRUCache<string, Entry>({ max: capacity });
  const pending = new Map<string, Promise<Credential | undefined>>();

  function forget(deviceKey: string): void {
    known.delete(deviceKey);
    unknown.delete(deviceKey);
    pending.delete(deviceKey);
  }

  function load(deviceKey: string, now: number): Promise<Credential | undefined> {
    const loading = store
      .find(deviceKey, now)
      .then((credential) => {
        // Forgotten while the store was asked: what it found may be out of date already.
        if (pending.get(deviceKey) !== loading) return credential;
        (credential === undefined ? unknown : known).set(deviceKey, { since: now, credential });
        return credential;
      })
      .finally(() => {
        if (pending.get(deviceKey) === loading) pending.delete(deviceKey);
      });
    pending.set(deviceKey, loading);
    return loading;
  }

  return {
    async find(deviceKey, now) {
      const entry = known.get(deviceKey) ?? unknown.get(deviceKey);
      if (entry !== undefined && now >= entry.since && now - entry.since < ttlMs) return entry.credential;
      if (entry !== undefined) forget(deviceKey);

      return pending.get(deviceKey) ?? load(deviceKey, now);
    },
    forget,
    clear() {
      known.clear();
      unknown.clear();
      pending.clear();
    },
  };
}

// A bounded cache before a CredentialStore. Knows nothing of what it caches but whose it is, and how long it may.

import { LRUCache } from "lru-cache";
import type { Credential, CredentialStore, Lookup } from "../core/ports.ts";
import type { Subject } from "./changes.ts";

export interface CacheOptions {
  /** As many devices are kept; as many unknown names apart from them, so that strangers' guesses evict no device. */
  readonly capacity: number;
  /** How long an entry is kept, in milliseconds: no bound on what is noticed, but on what nobody asks for. */
  readonly ttlMs: number;
}

export interface CredentialCache extends CredentialStore {
  /** Forgets what these changes are of. */
  forget(subjects: readonly Subject[]): void;
  clear(): void;
}

interface Entry {
  readonly since: number;
  readonly until: number;
  /** As a look-up gives it that derives nothing. */
  readonly lookup: Lookup;
}

/** Caches what `store` finds, and that it found nothing; look-ups of one device at once are made once. */
export function createCredentialCache(store: CredentialStore, { capacity, ttlMs }: CacheOptions): CredentialCache {
  const known = new LRUCache<string, Entry>({ max: capacity });
  const unknown = new LRUCache<string, Entry>({ max: capacity });
  const pending = new Map<string, Promise<Lookup>>();

  function forgetDevice(deviceKey: string): void {
    known.delete(deviceKey);
    unknown.delete(deviceKey);
    pending.delete(deviceKey);
  }

  function forgetCustomer(customerId: string): void {
    for (const [deviceKey, { lookup }] of known.entries()) {
      if (lookup.credential.customerId === customerId) known.delete(deviceKey);
    }
    // It is not known yet whose they are.
    pending.clear();
  }

  function forgetUnknown(): void {
    unknown.clear();
    pending.clear();
  }

  function clear(): void {
    known.clear();
    forgetUnknown();
  }

  function load(requested: string, now: number): Promise<Lookup> {
    const deviceKey = copyOf(requested);
    const loading = store
      .find(deviceKey, now)
      .then((lookup) => {
        // Forgotten while the store was asked: what it found may be out of date already.
        if (pending.get(deviceKey) === loading) keep(deviceKey, lookup.credential, now);
        return lookup;
      })
      .finally(() => {
        if (pending.get(deviceKey) === loading) pending.delete(deviceKey);
      });
    pending.set(deviceKey, loading);
    return loading;
  }

  function keep(deviceKey: string, credential: Credential, now: number): void {
    const until = Math.min(now + ttlMs, credential.validUntil);
    const lookup = { credential, derivationsSaved: 0 };
    (credential.enrolled ? known : unknown).set(deviceKey, { since: now, until, lookup });
  }

  return {
    async find(deviceKey, now) {
      // Both are asked whatever the first says: a device that is known takes no less time than one that is not.
      const [one, other] = [known.get(deviceKey), unknown.get(deviceKey)];
      const entry = one ?? other;
      if (entry !== undefined && now >= entry.since && now < entry.until) return entry.lookup;
      if (entry !== undefined) forgetDevice(deviceKey);

      return pending.get(deviceKey) ?? load(deviceKey, now);
    },
    async settle(deviceKey, purpose, now) {
      const counts = await store.settle(deviceKey, purpose, now);
      forgetDevice(deviceKey);
      return counts;
    },
    forget(subjects) {
      for (const subject of subjects) {
        const [kind, name = ""] = subject.split(" ");
        if (kind === "device") forgetDevice(name);
        else if (kind === "customer") forgetCustomer(name);
        else if (kind === "unknown") forgetUnknown();
        else clear();
      }
    },
    clear,
  };
}

/** What was cut out of a request would keep all of it for as long as it is kept itself. */
function copyOf(deviceKey: string): string {
  return Buffer.from(deviceKey, "latin1").toString("latin1");
}

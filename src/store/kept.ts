// Values kept by name in bounded memory, each for a while. Knows nothing of what they are.

import { LRUCache } from "lru-cache";

export interface KeptOptions {
  /** As many are kept: those that were asked for last. */
  readonly capacity: number;
  /** How long a value is fresh, in milliseconds. */
  readonly ttlMs: number;
}

/** `now` is in unix milliseconds: by a clock that was set back a value is not fresh. */
export interface Kept<Value> {
  fresh(name: string, now: number): Value | undefined;
  /** Fresh or not, and without counting as asked for. */
  peek(name: string): Value | undefined;
  set(name: string, value: Value, now: number): void;
  delete(name: string): void;
  /** Deletes those of which `is` holds. */
  deleteAll(is: (value: Value) => boolean): void;
  clear(): void;
}

/** Keeps nothing at first. */
export function createKept<Value>({ capacity, ttlMs }: KeptOptions): Kept<Value> {
  const entries = new LRUCache<string, { readonly since: number; readonly value: Value }>({ max: capacity });
  return {
    fresh(name, now) {
      const entry = entries.get(name);
      return entry !== undefined && now >= entry.since && now - entry.since < ttlMs ? entry.value : undefined;
    },
    peek: (name) => entries.peek(name)?.value,
    set(name, value, now) {
      entries.set(name, { since: now, value });
    },
    delete(name) {
      entries.delete(name);
    },
    deleteAll(is) {
      for (const [name, { value }] of entries.entries()) if (is(value)) entries.delete(name);
    },
    clear: () => entries.clear(),
  };
}

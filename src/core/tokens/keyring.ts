// The key ring: a cache of the signing keys. It signs only while the cache is younger than two seconds.

import type { KeyObject } from "node:crypto";
import type { PublicJwk } from "../ports.ts";
import { type Actor, GATEWAY } from "../registry/ports.ts";
import { type ActiveKey, generateKey, type KeyMaterial, readyToSign, readyToVerify } from "./key-material.ts";
import type { SigningKeyStore, StoredKeys } from "./ports.ts";
import { decideChange, keepUp, type RingChange, type RingRules } from "./rotation.ts";

export interface KeyRing {
  /** The key that signs; undefined if this gateway can unseal none. */
  active(): ActiveKey | undefined;
  /** When that key began to sign, in Unix milliseconds. */
  activeSince(): number | undefined;
  /** The published keys, the active one first. The same array until a key changes. */
  published(): readonly PublicJwk[];
  /** Looks up a published key; "revoked" for a revoked one. */
  find(kid: string): KeyObject | "revoked" | undefined;
  /** Reads the store if the cache is older than two seconds, else returns undefined. @throws AuthError `unavailable` */
  confirm(): Promise<void> | undefined;
  /** Reads the store now. */
  refresh(): Promise<void>;
  /** Reads the store and makes due changes. Called each second. */
  keepUp(): Promise<void>;
}

export interface RingOptions {
  readonly rules: RingRules;
  readonly store: SigningKeyStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds since any instant; never steps. */
  readonly elapsed: () => number;
  /** Called with the error of a key that this gateway cannot use. */
  readonly onFault?: (error: unknown) => void;
  /** Bounds the wait for the store. */
  readonly within?: <Result>(call: Promise<Result>) => Promise<Result>;
}

/** The ring signs only with a cache at most this old, in milliseconds. */
const YOUNG_MS = 2_000;

/** Stands for a new key pair while a change is only tried. */
const UNMADE: KeyMaterial = {
  kid: "",
  alg: "RS256",
  privateKey: Buffer.alloc(0),
  publicJwk: { kid: "", kty: "", alg: "", use: "sig" },
};

/** Opens the ring and makes its first keys in an empty store. @throws the store's error */
export async function openKeyRing(options: RingOptions): Promise<KeyRing> {
  const { rules, store, now, elapsed, onFault = () => {}, within = (call) => call } = options;
  let pending: Promise<void> | undefined;

  /** Makes the changes that are due. It tries them without key pairs first. @returns whether there were any */
  async function makeDueChanges(stored: StoredKeys, isStarting: boolean): Promise<boolean> {
    const decide = (change: RingChange): void => keepUp(change, isStarting);
    const facts = { stored, at: now(), rules, actor: GATEWAY, make: () => UNMADE };
    const { put, remove } = decideChange(facts, decide);
    if (put.length + remove.length === 0) return false;
    await changeKeys({ store, rules, now }, GATEWAY, decide);
    return true;
  }

  await makeDueChanges(await store.read(), true);
  let cached = prepare(await store.read(), elapsed(), onFault);

  async function refresh(): Promise<void> {
    const at = elapsed();
    const stored = await within(store.read());
    const isSame = JSON.stringify(stored.keys) === JSON.stringify(cached.stored.keys);
    // A key that could not be unsealed is tried again.
    const next = isSame && cached.active ? { ...cached, at } : prepare(stored, at, onFault);
    // The later of two concurrent reads wins.
    if (cached.at <= at) cached = next;
  }

  return {
    active: () => cached.active,
    activeSince: () => cached.stored.keys.find(({ state }) => state === "active")?.activatedAt,
    published: () => cached.published,
    find: (kid) => cached.verifying.get(kid),
    confirm() {
      if (elapsed() - cached.at < YOUNG_MS) return undefined;
      pending ??= refresh().finally(() => {
        pending = undefined;
      });
      return pending;
    },
    refresh,
    async keepUp() {
      await refresh();
      if (await makeDueChanges(cached.stored, false)) await refresh();
    },
  };
}

/**
 * Makes a change in one transaction. It generates two key pairs before, the most that a change needs: RSA may take a second.
 * @throws what `decide` and the store throw
 */
export async function changeKeys(
  { store, rules, now }: Pick<RingOptions, "store" | "rules" | "now">,
  actor: Actor,
  decide: (change: RingChange) => void,
): Promise<void> {
  const made = await Promise.all([generateKey(rules.alg), generateKey(rules.alg)]);
  try {
    await store.change((stored) => {
      const left = made.values();
      const make = (): KeyMaterial => {
        const { value: key } = left.next();
        if (key === undefined) throw new RangeError("a change of signing keys takes two new ones at most");
        return key;
      };
      return decideChange({ stored, at: now(), rules, actor, make }, decide);
    });
  } finally {
    for (const { privateKey } of made) privateKey.fill(0);
  }
}

const PUBLISHED: readonly string[] = ["active", "next", "retired"];

function prepare(stored: StoredKeys, at: number, onFault: (error: unknown) => void) {
  const verifying = new Map<string, KeyObject | "revoked">();
  let active: ActiveKey | undefined;
  for (const { kid, alg, state, publicJwk } of stored.keys) {
    try {
      verifying.set(kid, state === "revoked" ? "revoked" : readyToVerify(publicJwk));
    } catch (cause) {
      onFault(new Error(`the signing key ${kid} cannot be used by this gateway`, { cause }));
    }
    try {
      if (state === "active") active = readyToSign(kid, alg, stored.openPrivateKey(kid));
    } catch (error) {
      onFault(error);
    }
  }
  const keys = PUBLISHED.flatMap((state) => stored.keys.filter((key) => key.state === state));
  return { stored, verifying, active, at, published: keys.map(({ publicJwk }) => publicJwk) };
}

// The key ring: the signing keys as last read from the store. It signs by a reading younger than two seconds.

import type { PublicJwk } from "../ports.ts";
import { type ActiveKey, isSameKey, readyToSign, readyToVerify, type VerifyingKey } from "./key-material.ts";
import { changeKeys, type Decide } from "./new-keys.ts";
import type { SigningKeyStore, StoredKeys } from "./ports.ts";
import { isPublished, type RingRules } from "./rotation.ts";
import { keepUp } from "./upkeep.ts";

export interface KeyRing {
  /** The key that signs; undefined: none opens here. */
  readonly active: () => ActiveKey | undefined;
  /** Keys that verifiers may meet now, the active one first. The same array until something changes. */
  readonly published: () => readonly PublicJwk[];
  /** Looks up a published key; "revoked" for a revoked one. */
  readonly find: (kid: string) => VerifyingKey | "revoked" | undefined;
  /** Undefined while the reading is younger than two seconds; else reads. @throws AuthError `unavailable` */
  readonly confirm: () => Promise<void> | undefined;
  /** Reads the store now. */
  readonly refresh: () => Promise<void>;
  /** Does what is due, then reads. For every second. */
  readonly keepUp: () => Promise<void>;
}

export interface RingOptions extends RingRules {
  readonly store: SigningKeyStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Milliseconds since any instant; never steps. */
  readonly elapsed: () => number;
  /** Called with the error of a key that cannot be used here. */
  readonly onFault?: (error: unknown) => void;
  /** Bounds the wait for the store. */
  readonly within?: <Result>(call: Promise<Result>) => Promise<Result>;
}

/** Longest age of a reading that signs, in milliseconds. */
export const YOUNG_MS = 2_000;

interface Reading {
  readonly stored: StoredKeys;
  readonly active: ActiveKey | undefined;
  readonly verifying: ReadonlyMap<string, VerifyingKey>;
  /** When it began, by `elapsed`. */
  readonly at: number;
}

/** Opens the ring and makes its first keys in an empty store. @throws the error of an active key that does not open */
export async function openKeyRing(options: RingOptions): Promise<KeyRing> {
  const { store, now, elapsed, onFault = () => {}, within = (call) => call } = options;
  let published: readonly PublicJwk[] = [];
  let reading: Reading | undefined;
  let pending: Promise<void> | undefined;

  async function read(onActiveFault: (error: unknown) => void): Promise<Reading> {
    const at = elapsed();
    const next = await adopt({ stored: await within(store.read()), at }, reading, onFault, onActiveFault);
    // The later of two readings stays.
    if (reading === undefined || reading.at <= at) reading = next;
    return reading;
  }
  const refresh = async (): Promise<void> => void (await read(onFault));

  await changeKeys(store, (stored, make) => keepUp(stored, make, { at: now(), isStarting: true }, options));
  let current = await read((error) => {
    throw error;
  });
  const latest = (): Reading => {
    current = reading ?? current;
    return current;
  };

  return {
    active: () => latest().active,
    published() {
      const keys = latest().stored.keys.filter((key) => isPublished(key, now()));
      const jwks = [...keys].sort((one, other) => USES.indexOf(one.state) - USES.indexOf(other.state));
      const list = jwks.map(({ publicJwk }) => publicJwk);
      if (JSON.stringify(list) !== JSON.stringify(published)) published = list;
      return published;
    },
    find(kid) {
      const key = latest().stored.keys.find((candidate) => candidate.kid === kid);
      if (key?.state === "revoked") return "revoked";
      return key !== undefined && isPublished(key, now()) ? latest().verifying.get(kid) : undefined;
    },
    confirm() {
      if (elapsed() - latest().at < YOUNG_MS) return undefined;
      pending ??= refresh().finally(() => {
        pending = undefined;
      });
      return pending;
    },
    refresh,
    async keepUp() {
      const { stored } = await read(onFault);
      let isChanged = false;
      const decide: Decide = (current, make) => {
        const change = keepUp(current, make, { at: now(), isStarting: false }, options);
        isChanged ||= change !== undefined;
        return change;
      };
      await changeKeys(store, decide, async () => stored);
      if (isChanged) await refresh();
    },
  };
}

const USES: readonly string[] = ["active", "next", "retired"];

/** Prepares the keys of a reading, those of the last one where they are the same. */
async function adopt(
  { stored, at }: Pick<Reading, "stored" | "at">,
  before: Reading | undefined,
  onFault: (error: unknown) => void,
  onActiveFault: (error: unknown) => void,
): Promise<Reading> {
  const verifying = new Map<string, VerifyingKey>();
  let active: ActiveKey | undefined;
  for (const { kid, alg, state, publicJwk } of stored.keys) {
    const former = before?.stored.keys.find((key) => key.kid === kid && isSameKey(key.publicJwk, publicJwk));
    try {
      const key = former === undefined ? await readyToVerify(publicJwk) : before?.verifying.get(kid);
      if (key !== undefined) verifying.set(kid, key);
    } catch (cause) {
      onFault(new Error(`the signing key ${kid} cannot be used by this gateway`, { cause }));
    }
    if (state !== "active") continue;
    try {
      active = former !== undefined && before?.active?.kid === kid ? before.active : openActive(stored, kid, alg);
    } catch (error) {
      onActiveFault(error);
    }
  }
  return { stored, verifying, active, at };
}

function openActive(stored: StoredKeys, kid: string, alg: string): ActiveKey {
  const privateKey = stored.openPrivateKey(kid);
  try {
    return readyToSign(kid, alg, privateKey);
  } finally {
    privateKey.fill(0);
  }
}

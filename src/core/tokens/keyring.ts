// The key ring: which key signs, which are published, as the store has it. Knows the port, and neither protocol nor clock.

import type { PublicJwk } from "../ports.ts";
import { createShared } from "../shared-call.ts";
import { type ActiveKey, isSameKey, readyToSign, readyToVerify, type VerifyingKey } from "./key-material.ts";
import type { KeptKeys, SigningKey, SigningKeyStore } from "./ports.ts";
import { isPublished, type RingRules, rotationTime } from "./rotation.ts";
import { changeWithSpares } from "./spare-keys.ts";
import { keepUp } from "./upkeep.ts";

export interface KeyRing {
  /** The key that signs, by what was heard last; undefined while there is none. */
  readonly active: () => ActiveKey | undefined;
  /** Every key that a verifier may meet now: the active one first. The same array for as long as nothing changes. */
  readonly published: () => readonly PublicJwk[];
  /** Of a kid that is published; "revoked" for one that was given up; undefined for any other. */
  readonly find: (kid: string) => VerifyingKey | "revoked" | undefined;
  /**
   * Sees to it that `active` is the key to sign with: undefined where it is known to be, else resolves once the store was asked.
   * A gateway that slept through a change signs with no key before that. Rejects with AuthError `unavailable` when it cannot be.
   */
  readonly confirm: () => Promise<void> | undefined;
  /** Resolves once what the store has now is what this ring has; shared by all who ask at once. */
  readonly refresh: () => Promise<void>;
  /** Does what is due, and reads what there is then. */
  readonly keepUp: () => Promise<void>;
  /** When the next key is to sign, by what was heard last, in unix milliseconds; undefined: nobody knows yet. */
  readonly rotationTime: () => number | undefined;
}

/** What a ring hears of changes that any gateway makes to it. */
export interface RingChanges {
  /** Whether every change until SEEN_MS ago was told of. */
  isSure(): boolean;
  /** From now on `doubt` is called whenever something was changed, or may have been. */
  hear(doubt: () => void): void;
}

export interface RingOptions extends RingRules {
  readonly store: SigningKeyStore;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly changes: RingChanges;
  /** Hears of an active key that does not open, and of what was changed and could not be read. */
  readonly onFault?: (error: unknown) => void;
  /** Bounds how long a refresh waits for the store: a login or a check waits for it. */
  readonly within?: <Result>(call: Promise<Result>) => Promise<Result>;
}

/** What a ring has read. */
interface Reading {
  readonly keys: readonly SigningKey[];
  readonly active: ActiveKey | undefined;
  readonly verifying: ReadonlyMap<string, VerifyingKey>;
}

/**
 * Opens the ring of a store, making its first keys where there are none. Of processes that start together on an empty store one
 * makes them and all use them. @throws what is wrong with the active key where it does not open
 */
export async function openKeyRing(options: RingOptions): Promise<KeyRing> {
  const { store, now, changes, onFault = () => {}, within = (call) => call } = options;
  let reading: Reading = { keys: [], active: undefined, verifying: new Map() };
  let published: readonly PublicJwk[] = [];
  /** Which doubt the reading is of after, and which was raised last. */
  let settled = 0;
  let doubts = 0;
  let isAway = false;

  async function read(): Promise<void> {
    const asked = doubts;
    const kept = await within(store.read());
    reading = adopt(kept, reading, onFault, onFault);
    settled = asked;
    isAway = false;
  }

  /** One of many: a store that is away fails every attempt. */
  function tellOnce(error: unknown): void {
    if (!isAway) onFault(error);
    isAway = true;
  }

  const shared = createShared(read);
  /** Whoever waits for the reading before its own waits no longer for both. */
  const refresh = (): Promise<void> => within(shared());
  const keep = async (starting: boolean): Promise<void> => {
    await changeWithSpares(store, (kept, spare) => keepUp(kept, spare, { at: now(), starting }, options));
  };

  changes.hear(() => {
    doubts++;
    refresh().catch(tellOnce);
  });
  await keep(true);
  const asked = doubts;
  const kept = await store.read();
  settled = asked;
  // Who cannot sign does not start.
  reading = adopt(kept, reading, onFault, (error) => {
    throw error;
  });

  return {
    active: () => reading.active,
    published() {
      const current = reading.keys
        .filter((key) => isPublished(key, now()))
        .sort(byUse)
        .map(({ publicJwk }) => publicJwk);
      if (!isSameList(current, published)) published = current;
      return published;
    },
    find(kid) {
      const key = reading.keys.find((candidate) => candidate.kid === kid);
      if (key?.state === "revoked") return "revoked";
      return key !== undefined && isPublished(key, now()) ? reading.verifying.get(kid) : undefined;
    },
    confirm: () => (changes.isSure() && settled === doubts ? undefined : refresh()),
    refresh,
    async keepUp() {
      await keep(false);
      await refresh();
    },
    rotationTime: () => rotationTime(reading.keys, options),
  };
}

/**
 * What was read, with the keys of before where they are the same. A key that does not open signs nothing, and is published; so is one
 * of an algorithm that only a newer gateway knows, whose tokens are not taken here.
 */
function adopt(
  kept: KeptKeys,
  before: Reading,
  onFault: (error: unknown) => void,
  onActiveFault: (error: unknown) => void,
): Reading {
  const verifying = new Map<string, VerifyingKey>();
  for (const { kid, publicJwk } of kept.keys) {
    const known = before.verifying.get(kid);
    const isKnown = before.keys.some(
      (key) => key.kid === kid && JSON.stringify(key.publicJwk) === JSON.stringify(publicJwk),
    );
    // What cannot be used was told of when it was first read.
    const key = isKnown ? known : readyOrTold(publicJwk, onFault);
    if (key !== undefined) verifying.set(kid, key);
  }
  return { keys: kept.keys, verifying, active: readActive(kept, before, onActiveFault) };
}

function readyOrTold(publicJwk: PublicJwk, onFault: (error: unknown) => void): VerifyingKey | undefined {
  try {
    return readyToVerify(publicJwk);
  } catch (cause) {
    onFault(new Error(`the signing key ${publicJwk.kid} cannot be used by this gateway`, { cause }));
    return undefined;
  }
}

function readActive(kept: KeptKeys, before: Reading, onFault: (error: unknown) => void): ActiveKey | undefined {
  const key = kept.keys.find(({ state }) => state === "active");
  if (key === undefined) return undefined;
  // The name alone does not tell: another key may have been imported under one that was free again.
  const former = before.keys.find(({ kid }) => kid === key.kid);
  const isSame = former !== undefined && isSameKey(former.publicJwk, key.publicJwk);
  if (isSame && key.kid === before.active?.kid) return before.active;
  try {
    const privateKey = kept.openPrivateKey(key.kid);
    try {
      return readyToSign(key.kid, key.alg, privateKey);
    } finally {
      privateKey.fill(0);
    }
  } catch (error) {
    onFault(error);
    return undefined;
  }
}

const USES: readonly SigningKey["state"][] = ["active", "next", "retired"];

function byUse(one: SigningKey, other: SigningKey): number {
  return USES.indexOf(one.state) - USES.indexOf(other.state);
}

function isSameList(one: readonly PublicJwk[], other: readonly PublicJwk[]): boolean {
  return one.length === other.length && one.every((jwk, place) => JSON.stringify(jwk) === JSON.stringify(other[place]));
}

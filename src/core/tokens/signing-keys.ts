// The operator's use-cases on signing keys: list, rotate, revoke, import.

import type { Actor } from "../registry/ports.ts";
import { revoke, rotateOrPlan, takeOver } from "./key-changes.ts";
import { readImportedKey } from "./key-import.ts";
import type { KeyRing } from "./keyring.ts";
import { changeKeys } from "./new-keys.ts";
import type { SigningKey, SigningKeyState, SigningKeyStore } from "./ports.ts";
import { changedSince } from "./refusals.ts";
import { type Decision, draftChange, type RingRules, rotationTime } from "./rotation.ts";

/** A key as operators see it. */
export interface SigningKeyView extends SigningKey {
  /** Active key: when the next one signs in its place, in unix milliseconds; undefined: when an operator says so. */
  readonly rotationTime: number | undefined;
}

export interface Rotation {
  readonly active: SigningKeyView;
  readonly next: SigningKeyView;
  /** When that is to sign, in unix milliseconds; undefined: it does, and another is next. */
  readonly rotationTime: number | undefined;
}

export interface KeyImport {
  /** PEM or a JWK. */
  readonly privateKey: string;
  /** Empty: its thumbprint. */
  readonly kid: string;
  /** Publishes it as the next key, in place of the one that is. */
  readonly asNext: boolean;
}

/** Each throws AuthError as its decision does, and `unavailable` when the database cannot be asked. */
export interface SigningKeys {
  /** Every key, the newest first. */
  list(): Promise<readonly SigningKeyView[]>;
  /**
   * `atOnce`: without waiting until the next key was published for long enough. One that is less than a second old, or was made
   * meanwhile, is published by no gateway for certain, and waits all the same. Those who ask together have one rotation.
   */
  rotate(atOnce: boolean, actor: Actor): Promise<Rotation>;
  revoke(kid: string, actor: Actor): Promise<{ readonly revoked: SigningKeyView; readonly active: SigningKeyView }>;
  /** @throws AuthError `malformed` for what is no key that tokens are signed with */
  import(key: KeyImport, actor: Actor): Promise<SigningKeyView>;
}

export interface SigningKeysDependencies {
  readonly store: SigningKeyStore;
  /** This gateway's ring: it acts on a change before the change is answered. */
  readonly ring: Pick<KeyRing, "refresh">;
  readonly rules: RingRules;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export function createSigningKeys({ store, ring, rules, now }: SigningKeysDependencies): SigningKeys {
  async function list(): Promise<readonly SigningKeyView[]> {
    const { keys } = await store.read();
    const time = rotationTime(keys, rules);
    return keys.map((key) => ({ ...key, rotationTime: key.state === "active" ? time : undefined }));
  }

  async function change(actor: Actor, decide: (decision: Decision) => void): Promise<readonly SigningKeyView[]> {
    const at = now();
    await changeKeys(store, (stored, make) => {
      const draft = draftChange(stored, at, actor);
      decide({ draft, stored, make, at, rules });
      return draft.change();
    });
    await ring.refresh();
    return list();
  }

  return {
    list,
    async rotate(atOnce, actor) {
      const before = await list();
      const kidOf = (wanted: SigningKeyState) => before.find(({ state }) => state === wanted)?.kid;
      const seen = { active: kidOf("active"), next: kidOf("next") };
      const keys = await change(actor, (decision) => rotateOrPlan(decision, atOnce, seen));
      const active = find(keys, ({ state }) => state === "active");
      const next = find(keys, ({ state }) => state === "next");
      return { active, next, rotationTime: active.kid === seen.active ? active.rotationTime : undefined };
    },
    async revoke(kid, actor) {
      const keys = await change(actor, (decision) => revoke(decision, kid));
      return {
        revoked: find(keys, (key) => key.kid === kid),
        active: find(keys, ({ state }) => state === "active"),
      };
    },
    async import({ privateKey, kid, asNext }, actor) {
      const material = await readImportedKey(privateKey, kid);
      try {
        const keys = await change(actor, (decision) => takeOver(decision, material, asNext));
        return find(keys, (key) => key.kid === material.kid);
      } finally {
        material.privateKey.fill(0);
      }
    },
  };
}

/** A key that the change has just seen to. @throws AuthError `unavailable` where somebody else's change came after it */
function find(keys: readonly SigningKeyView[], is: (key: SigningKeyView) => boolean): SigningKeyView {
  const found = keys.find(is);
  if (found === undefined) throw changedSince();
  return found;
}

// The operator's use-cases on signing keys: list, rotate, revoke, import.

import { AuthError } from "../errors.ts";
import type { Actor } from "../registry/ports.ts";
import { readImportedKey } from "./key-import.ts";
import { changeKeys, type KeyRing } from "./keyring.ts";
import type { SigningKey, SigningKeyStore } from "./ports.ts";
import { type Draft, draftChange, type RingRules, revoke, rotateByHand, rotationTime, takeOver } from "./rotation.ts";

/** A key as operators see it. */
export interface SigningKeyView extends SigningKey {
  /** Active key: when the next one signs in its place, in unix milliseconds; undefined: when an operator says so. */
  readonly rotationTime: number | undefined;
}

export interface Rotation {
  readonly active: SigningKeyView;
  readonly next: SigningKeyView;
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
  /** `atOnce`: though services may not have fetched the next key yet. Concurrent rotations: one wins, all answer with its result. */
  rotate(atOnce: boolean, actor: Actor): Promise<Rotation>;
  revoke(kid: string, actor: Actor): Promise<{ readonly revoked: SigningKeyView; readonly active: SigningKeyView }>;
  /** @throws AuthError `malformed` for a text that is no key that tokens are signed with */
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

  async function change(actor: Actor, decide: (draft: Draft) => void): Promise<readonly SigningKeyView[]> {
    await changeKeys(store, rules, (stored, make) => {
      const draft = draftChange({ stored, at: now(), rules, make }, actor);
      decide(draft);
      return draft.change();
    });
    await ring.refresh();
    return list();
  }

  return {
    list,
    async rotate(atOnce, actor) {
      const seen = (await list()).find(({ state }) => state === "active")?.kid;
      const keys = await change(actor, (draft) => rotateByHand(draft, seen, atOnce));
      return {
        active: find(keys, ({ state }) => state === "active"),
        next: find(keys, ({ state }) => state === "next"),
      };
    },
    async revoke(kid, actor) {
      const keys = await change(actor, (draft) => revoke(draft, kid));
      return { revoked: find(keys, (key) => key.kid === kid), active: find(keys, ({ state }) => state === "active") };
    },
    async import({ privateKey, kid, asNext }, actor) {
      const material = await readImportedKey(privateKey, kid);
      try {
        const keys = await change(actor, (draft) => takeOver(draft, material, asNext));
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
  if (found !== undefined) return found;
  const message = "the signing keys were changed and changed again by somebody else. Look at the list";
  throw new AuthError("unavailable", message, { retryAfterMs: 1_000 });
}

// The operator's use-cases on signing keys: list, rotate, revoke, import.

import { AuthError } from "../errors.ts";
import type { Actor } from "../registry/ports.ts";
import { readImportedKey } from "./key-import.ts";
import { changeKeys, type KeyRing } from "./keyring.ts";
import type { SigningKey, SigningKeyState, SigningKeyStore } from "./ports.ts";
import { type Draft, draftChange, type RingRules, revoke, rotateByHand, rotationTime, takeOver } from "./rotation.ts";

/** A key as operators see it. */
export interface SigningKeyView extends SigningKey {
  /** Active key: when the next one signs in its place, in unix milliseconds; undefined: when an operator says so. */
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

export type SigningKeys = ReturnType<typeof createSigningKeys>;

/**
 * Each use-case throws AuthError as its decision does, and `unavailable` when the database cannot be asked.
 * @param ring this gateway's: it acts on a change before the change is answered
 * @param now in unix milliseconds
 */
export function createSigningKeys(
  store: SigningKeyStore,
  ring: Pick<KeyRing, "refresh">,
  rules: RingRules,
  now: () => number,
) {
  /** Every key, the newest first. */
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

    /** `atOnce`: though services may not have fetched the next key yet. Concurrent rotations: one wins, all answer with its result. */
    async rotate(atOnce: boolean, actor: Actor): Promise<Readonly<Record<"active" | "next", SigningKeyView>>> {
      const seen = (await list()).find(hasState("active"))?.kid;
      const keys = await change(actor, (draft) => rotateByHand(draft, seen, atOnce));
      return { active: find(keys, hasState("active")), next: find(keys, hasState("next")) };
    },

    async revoke(kid: string, actor: Actor): Promise<Readonly<Record<"revoked" | "active", SigningKeyView>>> {
      const keys = await change(actor, (draft) => revoke(draft, kid));
      return { revoked: find(keys, (key) => key.kid === kid), active: find(keys, hasState("active")) };
    },

    /** @throws AuthError `malformed` for a text that is no key that tokens are signed with */
    async import({ privateKey, kid, asNext }: KeyImport, actor: Actor): Promise<SigningKeyView> {
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

const hasState = (state: SigningKeyState) => (key: SigningKeyView) => key.state === state;

/** A key that the change has just seen to. @throws AuthError `unavailable` where somebody else's change came after it */
function find(keys: readonly SigningKeyView[], is: (key: SigningKeyView) => boolean): SigningKeyView {
  const found = keys.find(is);
  if (found !== undefined) return found;
  const message = "the signing keys were changed and changed again by somebody else. Look at the list";
  throw new AuthError("unavailable", message, { retryAfterMs: 1_000 });
}

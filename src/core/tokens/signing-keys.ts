// The operator's use-cases on signing keys: list, rotate, revoke, import.

import { AuthError } from "../errors.ts";
import type { Actor } from "../registry/ports.ts";
import { readImportedKey } from "./key-material.ts";
import { changeKeys, type KeyRing } from "./keyring.ts";
import type { SigningKey, SigningKeyState, SigningKeyStore } from "./ports.ts";
import { type RingChange, type RingRules, revoke, rotateByHand, rotationTime, takeOver } from "./rotation.ts";

/** A key as operators see it. */
export interface SigningKeyView extends SigningKey {
  /** For the active key: when the next one replaces it, in Unix milliseconds; undefined if an operator rotates. */
  readonly rotationTime: number | undefined;
}

/** Each use-case throws AuthError as its decision does, and `unavailable` when the database cannot be reached. */
export interface SigningKeys {
  /** Every key, the newest first. */
  list(): Promise<readonly SigningKeyView[]>;
  /** `atOnce` rotates before all services have fetched the next key. One of concurrent rotations wins, and all return its result. */
  rotate(atOnce: boolean, actor: Actor): Promise<Readonly<Record<"active" | "next", SigningKeyView>>>;
  revoke(kid: string, actor: Actor): Promise<Readonly<Record<"revoked" | "active", SigningKeyView>>>;
  /**
   * Imports PEM or a JWK under `kid`; empty: its thumbprint. `asNext` publishes it as the next key, which replaces the present next key.
   * @throws AuthError `malformed` for a text that is not a usable private key
   */
  import(key: { privateKey: string; kid: string; asNext: boolean }, actor: Actor): Promise<SigningKeyView>;
}

/** The gateway's `ring` follows a change before the call returns. `now` in Unix milliseconds. */
export function createSigningKeys(
  store: SigningKeyStore,
  ring: Pick<KeyRing, "refresh">,
  rules: RingRules,
  now: () => number,
): SigningKeys {
  async function list(): Promise<readonly SigningKeyView[]> {
    const { keys } = await store.read();
    const time = rotationTime(keys, rules);
    return keys.map((key) => ({ ...key, rotationTime: key.state === "active" ? time : undefined }));
  }

  async function change(actor: Actor, decide: (change: RingChange) => void): Promise<readonly SigningKeyView[]> {
    await changeKeys({ store, rules, now }, actor, decide);
    await ring.refresh();
    return list();
  }

  return {
    list,

    async rotate(atOnce, actor) {
      const seen = (await list()).find(hasState("active"))?.kid;
      const keys = await change(actor, (ringChange) => rotateByHand(ringChange, seen, atOnce));
      return { active: find(keys, hasState("active")), next: find(keys, hasState("next")) };
    },

    async revoke(kid, actor) {
      const keys = await change(actor, (ringChange) => revoke(ringChange, kid));
      return { revoked: find(keys, (key) => key.kid === kid), active: find(keys, hasState("active")) };
    },

    async import({ privateKey, kid, asNext }, actor) {
      const material = await readImportedKey(privateKey, kid);
      try {
        const keys = await change(actor, (ringChange) => takeOver(ringChange, material, asNext));
        return find(keys, (key) => key.kid === material.kid);
      } finally {
        material.privateKey.fill(0);
      }
    },
  };
}

const hasState = (state: SigningKeyState) => (key: SigningKeyView) => key.state === state;

/** Finds the key that was just changed. @throws AuthError `unavailable` if a concurrent change has changed it again */
function find(keys: readonly SigningKeyView[], is: (key: SigningKeyView) => boolean): SigningKeyView {
  const found = keys.find(is);
  if (found !== undefined) return found;
  const message = "somebody else changed the signing keys at the same time. List them again";
  throw new AuthError("unavailable", message, { retryAfterMs: 1_000 });
}

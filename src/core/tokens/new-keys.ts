// Changes of signing keys with new key pairs, which are made before the transaction.

import type { TokenAlg } from "./algorithms.ts";
import { generateKey, type KeyMaterial } from "./key-material.ts";
import type { SigningKeyChange, SigningKeyStore, StoredKeys } from "./ports.ts";
import { changedSince } from "./refusals.ts";

/** Gives a new key pair. */
export type MakeKey = (alg: TokenAlg) => KeyMaterial;

/** Decides a change; undefined: nothing to change. */
export type Decide = (current: StoredKeys, make: MakeKey) => SigningKeyChange | undefined;

/**
 * Decides once to learn which key pairs the change takes, makes those, and decides again in the transaction.
 * `known` gives the keys for the first decision. @throws AuthError `unavailable` where a concurrent change left this one short of a key; what `decide` and the store throw
 */
export async function changeKeys(
  store: SigningKeyStore,
  decide: Decide,
  known: () => Promise<StoredKeys> = store.read,
): Promise<void> {
  const algs: TokenAlg[] = [];
  const plan = decide(await known(), (alg) => {
    algs.push(alg);
    return {
      kid: `planned-${algs.length}`,
      alg,
      privateKey: new Uint8Array(),
      publicJwk: { kid: "", kty: "", alg, use: "sig" },
    };
  });
  if (plan === undefined) return;
  const made = await Promise.all(algs.map(generateKey));
  try {
    await store.change((current) => {
      const left = [...made];
      return decide(current, (alg) => {
        const [key] = left.splice(
          left.findIndex((one) => one.alg === alg),
          1,
        );
        if (key?.alg !== alg) throw changedSince();
        return key;
      });
    });
  } finally {
    for (const { privateKey } of made) privateKey.fill(0);
  }
}

// Changes that need new keys: those are made before the transaction, which is held up by nothing. Knows the port, and no rule.

import type { TokenAlg } from "./algorithms.ts";
import { generateKey, type KeyMaterial } from "./key-material.ts";
import type { KeptKeys, SigningKeyChange, SigningKeyStore } from "./ports.ts";
import type { Spare } from "./rotation.ts";

/** Decides a change; `spare` gives it the new keys that it asks for. */
export type DecideWithSpares = (current: KeptKeys, spare: Spare) => SigningKeyChange | undefined;

/** A decision that has to be made again, once there is one more key. */
class KeyWanted extends Error {
  override readonly name = "KeyWanted";
  readonly alg: TokenAlg;
  constructor(alg: TokenAlg) {
    super("a new key is wanted");
    this.alg = alg;
  }
}

/** Changes signing keys, or finds that there is nothing to change without a transaction. @throws what `decide` and the store throw */
export async function changeWithSpares(store: SigningKeyStore, decide: DecideWithSpares): Promise<void> {
  const made: KeyMaterial[] = [];
  const decideAnew = (current: KeptKeys): SigningKeyChange | undefined => {
    const left = [...made];
    return decide(current, (alg) => {
      const place = left.findIndex((key) => key.alg === alg);
      const [key] = place === -1 ? [] : left.splice(place, 1);
      if (key === undefined) throw new KeyWanted(alg);
      return key;
    });
  };
  try {
    let current = await store.read();
    for (;;) {
      try {
        if (decideAnew(current) === undefined) return;
        await store.change(decideAnew);
        return;
      } catch (error) {
        if (!(error instanceof KeyWanted)) throw error;
        made.push(await generateKey(error.alg));
        current = await store.read();
      }
    }
  } finally {
    for (const { privateKey } of made) privateKey.fill(0);
  }
}

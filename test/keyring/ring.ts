// Key rings as tests open them: of one store, at a fixed time, with a reading that stays young.

import { type KeyRing, openKeyRing, type RingOptions } from "../../src/core/tokens/keyring.ts";
import type { SigningKeyStore } from "../../src/core/tokens/ports.ts";
import { PUBLISH_MS, type RingRules, rotationTime, tokenLife } from "../../src/core/tokens/rotation.ts";

export const NOW = 1_764_000_000_000;
export const DAY_MS = 86_400_000;
/** Of the default settings. */
const TOKEN_LIFE_MS = tokenLife({ ttlMs: 600_000, skewMs: 300_000 });
export const RULES = {
  alg: "ES256",
  publishMs: PUBLISH_MS,
  rotateEveryMs: 90 * DAY_MS,
  tokenLifeMs: TOKEN_LIFE_MS,
} as const;

/** Opens a ring with the default settings, but for ES256, whose keys cost nothing to make. */
export function openRing(store: SigningKeyStore, options: Partial<RingOptions> = {}): Promise<KeyRing> {
  return openKeyRing({
    ...RULES,
    store,
    now: () => NOW,
    elapsed: () => 0,
    ...options,
  });
}

/** When the next key signs, in unix milliseconds. */
export async function dueAt(store: SigningKeyStore, rules: Partial<RingRules> = {}): Promise<number | undefined> {
  return rotationTime((await store.read()).keys, { ...RULES, ...rules });
}

/** The private half of the key that signs. */
export async function activePrivateKey(store: SigningKeyStore): Promise<Buffer> {
  const stored = await store.read();
  const active = stored.keys.find(({ state }) => state === "active");
  if (active === undefined) throw new TypeError("there is no active key");
  return Buffer.from(stored.openPrivateKey(active.kid));
}

// Opens key rings for tests at a fixed time.

import type { TokenSigner } from "../../src/core/ports.ts";
import { type KeyRing, openKeyRing, type RingOptions } from "../../src/core/tokens/keyring.ts";
import type { SigningKeyStore } from "../../src/core/tokens/ports.ts";
import { PUBLISH_MS, type RingRules } from "../../src/core/tokens/rotation.ts";
import { createTokenSigner, type SignerOptions } from "../../src/core/tokens/tokens.ts";

export const NOW = 1_764_000_000_000;
export const DAY_MS = 86_400_000;
export const RULES = { alg: "ES256", publishMs: PUBLISH_MS, rotateEveryMs: 90 * DAY_MS } as const;

/** Opens a ring with the default settings and ES256, whose keys are quick to generate. */
export function openRing(
  store: SigningKeyStore,
  { alg = RULES.alg, publishMs = PUBLISH_MS, ...options }: Partial<RingOptions & RingRules> = {},
): Promise<KeyRing> {
  const { rotateEveryMs } = { ...RULES, ...options };
  return openKeyRing({ store, now: () => NOW, elapsed: () => 0, ...options, rules: { alg, publishMs, rotateEveryMs } });
}

/** The part of a ring that signs. */
export type RingOf = Pick<KeyRing, "active"> & Partial<Pick<KeyRing, "confirm">>;

/** A signer with the default settings. */
export function signerOf({
  active,
  confirm = () => undefined,
  ...options
}: RingOf & Partial<SignerOptions>): TokenSigner {
  const parties = { issuer: () => "https://login.example", audience: "devices" };
  return createTokenSigner({ ...parties, ttlSeconds: 600, ring: { active, confirm }, ...options });
}

/** The private half of the key that signs. */
export async function activePrivateKey(store: SigningKeyStore): Promise<Buffer> {
  const stored = await store.read();
  const active = stored.keys.find(({ state }) => state === "active");
  if (active === undefined) throw new TypeError("there is no active key");
  return Buffer.from(stored.openPrivateKey(active.kid));
}

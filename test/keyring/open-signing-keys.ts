// The use-cases of signing keys over a real store, with a clock that tests set.

import { generateKeyPairSync } from "node:crypto";
import type { KeyRing } from "../../src/core/tokens/keyring.ts";
import type { RingRules } from "../../src/core/tokens/rotation.ts";
import { createSigningKeys, type SigningKeys } from "../../src/core/tokens/signing-keys.ts";
import { FIRST } from "../contracts/store-samples.ts";
import { openDatabase, type TestDatabase } from "../store/database.ts";
import { NOW, openRing, RULES } from "./ring.ts";

export interface OpenedSigningKeys {
  readonly opened: TestDatabase;
  readonly ring: KeyRing;
  readonly keys: SigningKeys;
  readonly clock: { now: number };
  /** The kids that are published, the active one first. */
  published(): readonly string[];
  /** The audit events, the newest first, without the two of opening the ring. */
  notes(): Promise<readonly unknown[]>;
}

export async function openSigningKeys(rules: Partial<RingRules> = {}): Promise<OpenedSigningKeys> {
  const opened = await openDatabase();
  const clock = { now: NOW };
  const now = (): number => clock.now;
  const store = opened.store.signingKeys;
  const ring = await openRing(store, { now, ...rules });
  return {
    opened,
    ring,
    clock,
    keys: createSigningKeys(store, ring, { ...RULES, ...rules }, now),
    published: () => ring.published().map(({ kid }) => kid),
    async notes() {
      const { items } = await opened.store.audit.list(FIRST);
      return items.slice(0, -2).map(({ action, resource, details }) => [action, resource, details]);
    },
  };
}

/** A private key of another server, in PEM. */
export function newKey(type: "ec" | "ed25519" = "ec"): string {
  const { privateKey } = type === "ec" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync(type);
  return privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

// The port of the key ring: the store of signing keys.

import type { PublicJwk } from "../ports.ts";
import type { AuditEntry } from "../registry/ports.ts";

/** `next` is published and does not sign yet; `retired` is published and no longer signs; `revoked` is no longer trusted. */
export type SigningKeyState = "next" | "active" | "retired" | "revoked";

/** A signing key without its private half. Times are Unix milliseconds. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly state: SigningKeyState;
  readonly publicJwk: PublicJwk;
  /** When it was created and published. */
  readonly createdAt: number;
  /** When it began to sign; undefined: not yet. */
  readonly activatedAt: number | undefined;
  /** When it stopped signing, or was revoked. */
  readonly retiredAt: number | undefined;
}

/** A key with its private half in PKCS #8 DER, which the store seals. */
export interface NewSigningKey extends SigningKey {
  readonly privateKey: Uint8Array;
}

/** All signing keys at one moment. */
export interface StoredKeys {
  /** The newest first. */
  readonly keys: readonly SigningKey[];
  /** The private half of the next or the active key; the caller overwrites it when done. @throws Error that names what is wrong */
  openPrivateKey(kid: string): Uint8Array;
}

export interface SigningKeyChange {
  /** New keys, and stored keys with their new state. */
  readonly put: readonly (SigningKey | NewSigningKey)[];
  /** Kids of keys to delete; unknown ones are skipped. */
  readonly remove: readonly string[];
  readonly entries: readonly AuditEntry[];
}

/**
 * Stores signing keys. At most one key is active and one is next. Changes are serial: each sees the ones before it, and is one
 * transaction with its audit entries. Private halves are sealed, and erased once their key no longer signs.
 * Throws AuthError `unavailable` when the database cannot be reached.
 */
export interface SigningKeyStore {
  read(): Promise<StoredKeys>;
  /** `decide` may run again. */
  change(decide: (current: StoredKeys) => SigningKeyChange): Promise<void>;
}

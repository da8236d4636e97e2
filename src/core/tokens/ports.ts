// The port of the key ring: signing keys at rest.

import type { PublicJwk } from "../ports.ts";
import type { AuditEntry } from "../registry/ports.ts";

/** `next` is published and does not sign yet, `retired` is published and signs no more, `revoked` is trusted no more. */
export type SigningKeyState = "next" | "active" | "retired" | "revoked";

/** A signing key without its private half. Times are unix milliseconds. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly state: SigningKeyState;
  readonly publicJwk: PublicJwk;
  /** Published since then. */
  readonly createdAt: number;
  /** Undefined: it has not signed. */
  readonly activatedAt: number | undefined;
  /** When it stopped signing, or was revoked. */
  readonly retiredAt: number | undefined;
}

/** A key with its private half, PKCS #8 DER: in the clear here, sealed by the store. */
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
  /** New keys, and stored ones as they are to be. */
  readonly put: readonly (SigningKey | NewSigningKey)[];
  /** By kid; those that are not stored are skipped. */
  readonly remove: readonly string[];
  readonly entries: readonly AuditEntry[];
}

/**
 * Keeps signing keys. At most one key is active and one is next. Changes are made one after another, each sees those before it,
 * and is one transaction with its audit entries. Private halves are sealed at rest, and erased once their key signs no more.
 * Throws AuthError `unavailable` when the database cannot be asked.
 */
export interface SigningKeyStore {
  read(): Promise<StoredKeys>;
  /** `decide` may run again; undefined: nothing to change. */
  change(decide: (current: StoredKeys) => SigningKeyChange | undefined): Promise<void>;
}

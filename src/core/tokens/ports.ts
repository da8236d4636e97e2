// The port of the key ring: signing keys at rest.

import type { PublicJwk } from "../ports.ts";
import type { AuditEntry } from "../registry/ports.ts";

/** `next` is published and does not sign yet, `retired` signs no more and is published still, `revoked` is trusted no more. */
export type SigningKeyState = "next" | "active" | "retired" | "revoked";

/** A signing key without its private half. Times are unix milliseconds. */
export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly state: SigningKeyState;
  readonly publicJwk: PublicJwk;
  /** Since then it is published, too. */
  readonly createdAt: number;
  /** Undefined: it was made here. */
  readonly importedAt: number | undefined;
  /** Undefined: it has not signed, or did before there were such notes. */
  readonly activatedAt: number | undefined;
  /** When it ended to sign, or was revoked. */
  readonly retiredAt: number | undefined;
  /** Set for a retired key. */
  readonly publishedUntil: number | undefined;
  /** Set for the active key: it is to be replaced from then on. */
  readonly rotateAt: number | undefined;
  /** How long after it ended to sign a token of its may be good at most, in milliseconds. */
  readonly tokenLifeMs: number;
}

/** One that is to be stored with its private half, PKCS #8 DER: in the clear here, sealed by the store. */
export interface NewSigningKey extends SigningKey {
  readonly privateKey: Uint8Array;
}

/** All signing keys as they are at one moment. */
export interface StoredKeys {
  /** The newest first. */
  readonly keys: readonly SigningKey[];
  /** The private half of the next or the active key; whoever asks overwrites it when done. @throws Error that names what is wrong */
  openPrivateKey(kid: string): Uint8Array;
}

/** Changes of signing keys, and their audit entries. */
export interface SigningKeyChange {
  /** New ones, and those that are there already as they are to be. */
  readonly put: readonly (SigningKey | NewSigningKey)[];
  /** By kid. */
  readonly remove: readonly string[];
  readonly entries: readonly AuditEntry[];
  /** Unix milliseconds. */
  readonly at: number;
}

/** Decides a change by the keys as they are in its transaction; undefined: there is nothing to change. May throw. */
export type DecideSigningKeys = (current: StoredKeys) => SigningKeyChange | undefined;

/**
 * Keeps signing keys. Obligations: at most one key is active and one is next, whoever races; changes are made one after another,
 * each sees what all before it have left, and is one transaction with its audit entries, of which every gateway hears; private
 * halves are sealed at rest, and erased once their key signs no more; throws AuthError `unavailable` when the database cannot
 * be asked.
 */
export interface SigningKeyStore {
  read(): Promise<StoredKeys>;
  change(decide: DecideSigningKeys): Promise<void>;
}

// A customer key that is to be issued or imported, and which others of its customer it may not be beside. Knows no database.

import { randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { type KeyPurpose, MAX_LIVE_KEYS } from "../ports.ts";
import { samenessOf } from "./hmac-key.ts";
import { stateOf } from "./key-state.ts";
import { readCustomerId } from "./names.ts";
import type { CustomerSecret } from "./ports.ts";

export interface CustomerKeyDraft {
  readonly customerId: string;
  readonly purpose: KeyPurpose;
  /** Empty: the gateway makes one. */
  readonly importedKey: string;
  /** Unix milliseconds; undefined: now. */
  readonly notBefore?: number | undefined;
  /** Undefined: never by itself. */
  readonly expiresAt?: number | undefined;
}

export interface NewCustomerKey {
  readonly key: CustomerSecret;
  /** The secret as it is flashed. */
  readonly customerKey: string;
  /** What to be careful about, for people; empty: nothing. */
  readonly warning: string;
}

const MAX_SECRET_BYTES = 1_024;
/** Below this many bytes a secret can be guessed; those already flashed must be importable all the same. */
const SHORT_SECRET_BYTES = 16;
const MADE_BYTES = 32;

/** Reads a draft at `now`, in unix milliseconds. @throws AuthError `malformed` */
export function newCustomerKey(draft: CustomerKeyDraft, now: number): NewCustomerKey {
  const customerId = readCustomerId(draft.customerId);
  const notBefore = draft.notBefore ?? now;
  const { expiresAt } = draft;
  if (expiresAt !== undefined && expiresAt <= Math.max(notBefore, now)) {
    const begin = notBefore > now ? "not_before" : "now";
    throw malformed(`expires_at is not after ${begin}. This key would never be good`, "expires_at");
  }
  const customerKey = draft.importedKey === "" ? randomBytes(MADE_BYTES).toString("hex") : draft.importedKey;
  const secret = readSecret(customerKey);
  const keyId = randomBytes(8).toString("hex");
  const { purpose } = draft;
  return {
    key: { keyId, customerId, purpose, secret, notBefore, expiresAt, createdAt: now, retiredAt: undefined },
    customerKey,
    warning: draft.importedKey === "" ? "" : warningFor(customerKey, secret.length),
  };
}

function readSecret(text: string): Buffer {
  if (!text.isWellFormed()) throw malformed("imported_key is no text that UTF-8 can say", "imported_key");
  const secret = Buffer.from(text, "utf8");
  if (secret.length <= MAX_SECRET_BYTES) return secret;
  throw malformed(`imported_key has ${secret.length} bytes. It has at most ${MAX_SECRET_BYTES}`, "imported_key");
}

function warningFor(customerKey: string, bytes: number): string {
  if (bytes < SHORT_SECRET_BYTES)
    return `this key has ${bytes} bytes and can be guessed. Replace it when the firmware next changes`;
  if (/\s$/.test(customerKey)) return "this key ends in white space. Is that what is flashed?";
  if (/^\s/.test(customerKey)) return "this key begins with white space. Is that what is flashed?";
  return "";
}

/**
 * Holds a new key against the others of its customer, whatever has become of them.
 * @throws AuthError `failed_precondition` for one too many, `already_exists` for one that HMAC takes for another
 */
export function checkBeside(key: CustomerSecret, others: readonly CustomerSecret[], now: number): void {
  const standing = others.filter(
    (other) => other.purpose === key.purpose && !["retired", "expired"].includes(stateOf(other, now)),
  );
  if (standing.length >= MAX_LIVE_KEYS) {
    throw new AuthError(
      "failed_precondition",
      `this customer has ${MAX_LIVE_KEYS} live keys for ${key.purpose} already. Retire one first`,
    );
  }
  for (const other of others) {
    const sameness = samenessOf(key.secret, other.secret);
    if (sameness === undefined) continue;
    const purposeDiffers = other.purpose !== key.purpose;
    // What was retired may come back for what it was for. A login key is in the firmware of boards: nothing may ever be derived
    // from it; and a derivation key may not have been flashed.
    if (!purposeDiffers && other.retiredAt !== undefined) continue;
    const why = purposeDiffers
      ? `${sameness} and that one is for ${other.purpose}. A key for both would give boards the keys of others`
      : `${sameness}. Use that one`;
    throw new AuthError(
      "already_exists",
      `HMAC takes this key for the key ${other.keyId} of this customer because ${why}`,
      {
        field: "imported_key",
      },
    );
  }
}

// A customer key that is to be issued or imported, and which others of its customer it may not be beside.

import { randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { type KeyPurpose, MAX_LIVE_KEYS } from "../ports.ts";
import { stateOf } from "./key-usage.ts";
import { readCustomerId } from "./names.ts";
import type { CustomerSecret, OpenedCustomerKey } from "./ports.ts";
import { tooManyKeys } from "./refusals.ts";

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
  /** A warning for people; empty: none. */
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
  if (secret.length > MAX_SECRET_BYTES) {
    throw malformed(`imported_key has ${secret.length} bytes. It has at most ${MAX_SECRET_BYTES}`, "imported_key");
  }
  return secret;
}

function warningFor(customerKey: string, bytes: number): string {
  if (bytes < SHORT_SECRET_BYTES) {
    const size = bytes === 1 ? "1 byte" : `${bytes} bytes`;
    return `this key has ${size} and can be guessed. Replace it when the firmware next changes`;
  }
  if (/\s$/.test(customerKey)) return "this key ends in white space. Is that what is flashed?";
  if (/^\s/.test(customerKey)) return "this key begins with white space. Is that what is flashed?";
  return "";
}

/**
 * Checks a new key against the others of its customer. A login key is in the firmware of boards: a derivation key of the same
 * bytes would give each board the keys of all others.
 * @throws AuthError `failed_precondition` for one too many, `already_exists` for a secret that is there
 */
export function checkBeside(key: CustomerSecret, others: readonly OpenedCustomerKey[], now: number): void {
  const standing = others.filter(
    (other) => other.purpose === key.purpose && !["retired", "expired"].includes(stateOf(other, now)),
  );
  if (standing.length >= MAX_LIVE_KEYS) throw tooManyKeys(key.purpose);
  for (const { keyId, purpose, retiredAt, secret } of others) {
    if (secret === undefined || !key.secret.equals(secret)) continue;
    // A retired secret may come back for its former purpose.
    if (purpose === key.purpose && retiredAt !== undefined) continue;
    const why =
      purpose === key.purpose
        ? "Use that one or retire it first"
        : `That one is for ${purpose} and a key for both would give boards the keys of others`;
    throw new AuthError("already_exists", `this key is the key ${keyId} of this customer. ${why}`, {
      field: "imported_key",
    });
  }
}

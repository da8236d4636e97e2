// A customer key that is to be issued or imported, and which others of its customer it may not be beside.

import { randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { type KeyPurpose, MAX_LIVE_KEYS } from "../ports.ts";
import { isSameToHmac } from "./hmac-key.ts";
import { stateOf } from "./key-state.ts";
import { readCustomerId } from "./names.ts";
import type { CustomerSecret, CustomerSecrets } from "./ports.ts";
import { tooManyKeys, unopenedKey } from "./refusals.ts";

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
    warning: draft.importedKey === "" ? "" : warningFor(customerKey, withoutZeros(secret).length),
  };
}

function readSecret(text: string): Buffer {
  if (!text.isWellFormed()) throw malformed("imported_key is no text that UTF-8 can say", "imported_key");
  const secret = Buffer.from(text, "utf8");
  if (secret.length > MAX_SECRET_BYTES) {
    throw malformed(`imported_key has ${secret.length} bytes. It has at most ${MAX_SECRET_BYTES}`, "imported_key");
  }
  if (withoutZeros(secret).length > 0) return secret;
  throw malformed("imported_key has zero bytes alone. HMAC takes it for no key at all", "imported_key");
}

/** The part of a secret that counts: HMAC pads it with zero bytes, so that those at its end do not. */
function withoutZeros(secret: Buffer): Buffer {
  return secret.subarray(0, secret.findLastIndex((byte) => byte !== 0) + 1);
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
 * Holds a key that is to be good from now on against the others of its customer, whatever has become of them. `made`: the gateway
 * made it, so that it is none of those that do not open.
 * @throws AuthError `failed_precondition` for one too many, and for one that cannot be held against all; `already_exists` for
 * one that HMAC takes for another
 */
export function checkBeside(
  key: CustomerSecret,
  { opened, unopened }: CustomerSecrets,
  now: number,
  made: boolean,
): void {
  const standing = [...opened, ...unopened].filter(
    (other) => other.purpose === key.purpose && !["retired", "expired"].includes(stateOf(other, now)),
  );
  if (standing.length >= MAX_LIVE_KEYS) {
    const pending = standing.filter((other) => stateOf(other, now) === "pending");
    throw tooManyKeys(
      key.purpose,
      pending.map(({ keyId }) => keyId),
    );
  }
  const unknown = unopened.find(({ retiredAt }) => retiredAt === undefined);
  if (unknown !== undefined && !made) throw unopenedKey(unknown.keyId, "may be the one that is imported");
  for (const other of opened) {
    if (!isSameToHmac(key.secret, other.secret)) continue;
    const purposeDiffers = other.purpose !== key.purpose;
    // A retired secret may come back for its former purpose. A login key is in the firmware of boards: nothing may ever be derived
    // from it; and a derivation key may not have been flashed.
    if (!purposeDiffers && other.retiredAt !== undefined) continue;
    const why = purposeDiffers
      ? `That one is for ${other.purpose} and a key for both would give boards the keys of others`
      : stateOf(other, now) === "expired"
        ? "That one has expired. Retire it first"
        : "Use that one";
    throw new AuthError("already_exists", `HMAC takes this key for the key ${other.keyId} of this customer. ${why}`, {
      field: "imported_key",
    });
  }
}

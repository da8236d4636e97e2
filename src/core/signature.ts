// A login's proof: canonical message, HMAC-SHA256, comparison in constant time.

import {
  createHash,
  createHmac,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";
import { malformed } from "./errors.ts";
import { type Credential, type CustomerKey, MAX_LIVE_KEYS } from "./ports.ts";

const HEX = /^[0-9a-fA-F]+$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
/** Output of openssl dgst, openssl dgst -r and sha256sum. */
const LABEL = /\)\s*=|^[A-Za-z0-9-]+\s*=\s*\S|^[0-9A-Fa-f]{64}\s+\S/;
const FIELD = "device_signature";

/**
 * Reads a `device_signature`: exactly 64 hex digits, either case.
 * @returns the 32 bytes of the MAC
 * @throws AuthError `malformed`, naming the mistake and its cure
 */
export function readSignature(text: string): Buffer {
  if (text.length === 64 && HEX.test(text)) return Buffer.from(text, "hex");
  throw malformed(explainSignature(text), FIELD);
}

function explainSignature(text: string): string {
  if (text === "") return "device_signature is missing or empty";
  const trimmed = text.trim();
  if (trimmed !== text && trimmed.length === 64 && HEX.test(trimmed)) {
    return "device_signature has white space around it. Send the 64 hex digits alone";
  }
  if (LABEL.test(trimmed)) {
    return "device_signature carries what openssl or sha256sum prints around it. Send the 64 hex digits alone";
  }
  if (/^0x/i.test(trimmed)) return "device_signature starts with 0x. Send the 64 hex digits alone";
  if (HEX.test(trimmed)) return `device_signature has ${trimmed.length} hex digits. HMAC-SHA256 gives 64`;
  if (BASE64.test(trimmed)) return "device_signature looks like base64. Send the HMAC as 64 hex digits";
  if (/^[0-9a-f]{2}([: -][0-9a-f]{2})+$/i.test(trimmed)) {
    return "device_signature has separators between its bytes. Send 64 hex digits with nothing between them";
  }
  return `device_signature is not hex. Send the HMAC-SHA256 as 64 hex digits (this has ${text.length} characters)`;
}

/** HMAC-SHA256 (RFC 2104) of the message that is signed: the decimal timestamp, followed at once by the device_key. */
export function computeSignature(secret: KeyObject | string, timestamp: number, deviceKey: string): Buffer {
  return createHmac("sha256", secret).update(`${timestamp}${deviceKey}`).digest();
}

/** A customer key as it is used: its UTF-8 bytes, in a KeyObject so that no dump or log line shows them. */
export function secretFromText(customerKey: string): KeyObject {
  return createSecretKey(customerKey, "utf8");
}

/** The text before a zero byte and the device_key that a board's own key is derived from. */
const DERIVATION_LABEL = "countersign device key v1";

/**
 * A board's own key under key_mode DERIVED: hex HMAC-SHA256(derivation key, label, 0x00, device_key), used in its
 * textual form wherever a customer_key is.
 */
export function deriveDeviceKey(derivationKey: KeyObject, deviceKey: string): string {
  return createHmac("sha256", derivationKey).update(`${DERIVATION_LABEL}\0`).update(deviceKey).digest("hex");
}

/**
 * Finds the key that made a proof. A wrong proof takes the same time for every device: three keys and three derived ones, with
 * `decoy` in place of missing ones. A right proof ends the search.
 */
export function findHmacKey(
  { deviceKey, loginKeys, derivationKeys }: Pick<Credential, "deviceKey" | "loginKeys" | "derivationKeys">,
  decoy: KeyObject,
  isProof: (secret: KeyObject | string) => boolean,
): CustomerKey | undefined {
  function find(keys: readonly CustomerKey[], asFlashed: (secret: KeyObject) => KeyObject | string) {
    for (let slot = 0; slot < MAX_LIVE_KEYS; slot++) {
      const key = keys[slot];
      if (isProof(asFlashed(key?.secret ?? decoy)) && key !== undefined) return key;
    }
    return undefined;
  }
  const findShared = () => find(loginKeys, (secret) => secret);
  const findDerived = () => find(derivationKeys, (secret) => deriveDeviceKey(secret, deviceKey));
  // A right proof is found first where the device has keys.
  return derivationKeys.length > 0 ? (findDerived() ?? findShared()) : (findShared() ?? findDerived());
}

/** The key that proved a login. */
export type ProvingKey = Pick<CustomerKey, "keyId" | "purpose">;

/** Keys in place of missing ones: their proofs cost the same, and prove nothing. */
export interface Decoys {
  readonly secret: KeyObject;
  /** Base64 of a SubjectPublicKeyInfo. */
  readonly publicKeys: Readonly<Record<"ES256" | "EdDSA", string>>;
}

/** Makes decoys; their private keys are discarded. */
export function makeDecoys(): Decoys {
  const write = ({ publicKey }: { publicKey: KeyObject }): string =>
    publicKey.export({ format: "der", type: "spki" }).toString("base64");
  const publicKeys = {
    ES256: write(generateKeyPairSync("ec", { namedCurve: "P-256" })),
    EdDSA: write(generateKeyPairSync("ed25519")),
  };
  return { secret: secretFromText(randomBytes(32).toString("hex")), publicKeys };
}

/** Compares two secrets in constant time, even of different lengths. */
export function equalSecrets(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

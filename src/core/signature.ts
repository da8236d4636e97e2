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
import { type Credential, type CustomerKey, MAX_LIVE_KEYS } from "./ports.ts";

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

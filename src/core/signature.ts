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

/** The UTF-8 bytes of a customer key, in a KeyObject so that no dump or log line shows them. */
export function secretFromText(customerKey: string): KeyObject {
  return createSecretKey(customerKey, "utf8");
}

/** The first part of the text that a board's own key is derived from. */
const DERIVATION_LABEL = "countersign device key v1";

/**
 * A board's own key under key_mode DERIVED: HMAC-SHA256(derivation key, label, 0x00, device_key) in hex. The board signs with
 * the hex text.
 */
export function deriveDeviceKey(derivationKey: KeyObject, deviceKey: string): string {
  return createHmac("sha256", derivationKey).update(`${DERIVATION_LABEL}\0`).update(deviceKey).digest("hex");
}

/**
 * Finds the key that made a proof. A wrong proof takes the same time for every device: it is checked against three keys and three
 * derived keys, with `decoy` for missing ones. A right proof ends the search.
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
  // The kind of key that the device has is tried first.
  return derivationKeys.length > 0 ? (findDerived() ?? findShared()) : (findShared() ?? findDerived());
}

/** The key that proved a login. */
export type ProvingKey = Pick<CustomerKey, "keyId" | "purpose">;

/** Keys in place of missing ones. Checking one takes as long as a real key, and none is accepted. */
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

// The public key of a board that has a key pair of its own.

import { createPublicKey, type KeyObject } from "node:crypto";
import { malformed } from "./errors.ts";

const FIELD = "public_key";
/** A SubjectPublicKeyInfo of either kind has at most 91 bytes. */
const MAX_CHARACTERS = 512;
const ARMOUR = /-----(?:BEGIN|END) PUBLIC KEY-----|\s+/g;

/** The keyId of a device's own key pair. */
export const OWN_KEY = "public_key";

/** The algorithms that a board signs assertions with (RFC 7518, 3.4; RFC 8037, 3.1). */
export type AssertionAlg = "ES256" | "EdDSA";

/**
 * Reads a public key of P-256 or Ed25519, in PEM or the base64 in it. Empty text is no key.
 * @returns base64 of its SubjectPublicKeyInfo (RFC 5280, 4.1)
 * @throws AuthError `malformed`; the message does not repeat the text, which may be a private key
 */
export function readPublicKey(text: string): string {
  if (text === "") return "";
  if (text.includes("PRIVATE KEY")) throw malformed("public_key is a private key. Enrol the public one alone", FIELD);
  const base64 = text.length > MAX_CHARACTERS ? "" : text.replace(ARMOUR, "");
  try {
    const key = openPublicKey(base64);
    if (algOf(key) !== undefined) return key.export({ format: "der", type: "spki" }).toString("base64");
  } catch {
    throw malformed("public_key is no public key. Send PEM as openssl pkey -pubout prints it", FIELD);
  }
  throw malformed("public_key is of another kind. P-256 and Ed25519 are accepted", FIELD);
}

/** Opens what readPublicKey returned. @throws Error for other text */
export function openPublicKey(base64: string): KeyObject {
  return createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
}

/** The algorithm of a key; undefined for a key of another kind. */
export function algOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): AssertionAlg | undefined {
  if (asymmetricKeyType === "ed25519") return "EdDSA";
  return asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1" ? "ES256" : undefined;
}

// Client assertions of devices and of forgers.

import { createHmac, type KeyObject, randomUUID } from "node:crypto";
import { encode, encodeJson, type Json, makeKeys, signText } from "../vectors/forge.ts";

/** Signs the two parts of an assertion. */
export type SignParts = (text: string) => Buffer;

export const byHmac =
  (secret: string | Buffer): SignParts =>
  (text) =>
    createHmac("sha256", secret).update(text).digest();

export const byKey =
  (alg: "ES256" | "EdDSA", key: KeyObject): SignParts =>
  (text) =>
    signText(alg, text, key);

/** The claims of a valid assertion at a time in Unix seconds. */
export function assertionClaims(deviceKey: string, seconds: number, changes: object = {}): object {
  const aud = "https://login.example";
  return { iss: deviceKey, sub: deviceKey, aud, jti: randomUUID(), iat: seconds, exp: seconds + 60, ...changes };
}

export function makeAssertion(signParts: SignParts, claims: Json, header: Json = { alg: "HS256" }): string {
  const text = `${encodeJson(header)}.${encodeJson(claims)}`;
  return `${text}.${encode(signParts(text))}`;
}

/** A board's own key pair, and its public half as an operator has it. */
export function makeBoardKey(alg: "ES256" | "EdDSA"): { readonly privateKey: KeyObject; readonly pem: string } {
  const { privateKey, publicKey } = makeKeys(alg);
  return { privateKey, pem: String(publicKey.export({ format: "pem", type: "spki" })) };
}

// Forges tokens with any header, claims and signature.

import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import type { TokenAlg } from "../../src/core/tokens/algorithms.ts";

/** The parts of a valid token, which hostile ones change. */
export interface Mint {
  readonly alg: TokenAlg;
  readonly kid: string;
  readonly privateKey: KeyObject;
  /** The public key as in a JWKS. */
  readonly publicJwk: Readonly<Record<string, unknown>>;
  readonly issuer: string;
  readonly audience: string;
  readonly deviceKey: string;
  readonly customerId: string;
  /** Made-up by default. A gateway accepts only a jti of the device's present epoch. */
  readonly jti?: string;
  /** In Unix milliseconds. */
  readonly now: number;
}

/** JSON as a value, as text, or as bytes. */
export type Json = object | string | Buffer;

export function encode(value: string | Uint8Array): string {
  return Buffer.from(value).toString("base64url");
}

export function encodeJson(json: Json): string {
  return encode(typeof json === "string" || Buffer.isBuffer(json) ? json : JSON.stringify(json));
}

/** The hash of an algorithm: EdDSA has its own. */
const hashOf = (alg: TokenAlg): string | null => (alg === "EdDSA" ? null : "sha256");

/** The signature of a text by an algorithm of RFC 7518 or RFC 8037. */
export function signText(alg: TokenAlg, text: string, key: KeyObject): Buffer {
  return sign(hashOf(alg), Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
}

/** Whether a leniently decoded signature is right for the two parts before it. */
export function isSigned({ alg, privateKey }: Mint, token: string): boolean {
  const [header = "", claims = "", signature = ""] = token.split(".");
  const key = { key: createPublicKey(privateKey), dsaEncoding: "ieee-p1363" } as const;
  return verify(hashOf(alg), Buffer.from(`${header}.${claims}`), key, Buffer.from(signature, "base64url"));
}

const JTI = "c2F5IGZyaWVuZCBhIG5hbWU0";

export function headerOf({ alg, kid }: Mint): Readonly<Record<string, unknown>> {
  return { alg, typ: "JWT", kid };
}

export function claimsOf(mint: Mint): Readonly<Record<string, unknown>> {
  const { issuer: iss, deviceKey: sub, audience: aud, customerId: customer_id, jti = JTI } = mint;
  const iat = Math.floor(mint.now / 1000);
  return { iss, sub, aud, iat, exp: iat + 600, jti, customer_id };
}

/** A token of this header and these claims, signed by the right key, with any `alg` in the header. */
export function signed(mint: Mint, header: Json, claims: Json): string {
  return signedBy(mint.alg, mint.privateKey, header, claims);
}

/** A token of this header and these claims, signed by any key. */
export function signedBy(alg: TokenAlg, key: KeyObject, header: Json, claims: Json): string {
  const text = `${encodeJson(header)}.${encodeJson(claims)}`;
  return `${text}.${signText(alg, text, key).toString("base64url")}`;
}

/** A token as the gateway issues it. */
export function validToken(mint: Mint): string {
  return signed(mint, headerOf(mint), claimsOf(mint));
}

/** A key pair for an algorithm. */
export function makeKeys(alg: TokenAlg) {
  if (alg === "RS256") return generateKeyPairSync("rsa", { modulusLength: 2048 });
  return alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("ed25519");
}

/** Tokens whose header or claims have one wrong value of a member each, signed by the right key. An undefined member is missing. */
export function withWrongValues(
  mint: Mint,
  part: "header" | "claims",
  values: Readonly<Record<string, readonly unknown[]>>,
): Record<string, string> {
  const tokenOf = (change: object): string =>
    part === "header"
      ? signed(mint, { ...headerOf(mint), ...change }, claimsOf(mint))
      : signed(mint, headerOf(mint), { ...claimsOf(mint), ...change });
  const rows = Object.entries(values).flatMap(([member, wrong]) =>
    wrong.map((value) => [`${member} ${JSON.stringify(value)?.slice(0, 60)}`, tokenOf({ [member]: value })] as const),
  );
  return Object.fromEntries(rows);
}

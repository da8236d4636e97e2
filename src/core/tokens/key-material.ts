// Generates key pairs, describes them and prepares them to sign or verify.

import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK } from "jose";
import type { PublicJwk } from "../ports.ts";
import { ALGORITHMS, readTokenAlg, type TokenAlg, type TokenType } from "./algorithms.ts";

/** Signs claims. The token has the given type, by default `JWT`. */
export type SignClaims = (claims: object, type?: TokenType) => Promise<string>;

/** A key that signs, without access to its private half. */
export interface ActiveKey {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly signClaims: SignClaims;
}

/** A key pair. The private half is unencrypted PKCS #8 DER. */
export interface KeyMaterial {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly privateKey: Uint8Array;
  readonly publicJwk: PublicJwk;
}

/** Generates a key pair. Its `kid` is its thumbprint, which never begins with a hyphen: commands would read that as an option. */
export async function generateKey(alg: TokenAlg): Promise<KeyMaterial> {
  for (;;) {
    const { privateKey } = await ALGORITHMS[alg].generate();
    const material = await describeKey(privateKey, alg);
    if (!material.kid.startsWith("-")) return material;
  }
}

/** Describes a private key under `kid`; by default its SHA-256 thumbprint (RFC 7638). */
export async function describeKey(privateKey: KeyObject, alg: TokenAlg, kid?: string): Promise<KeyMaterial> {
  const { kty = "", ...members } = await exportJWK(createPublicKey(privateKey));
  const strings = Object.entries(members).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  const name = kid ?? (await calculateJwkThumbprint({ kty, ...members }));
  return {
    kid: name,
    alg,
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }),
    publicJwk: { kid: name, kty, alg, use: "sig", ...Object.fromEntries(strings) },
  };
}

/** Whether two keys are equal apart from their kid. */
export function isSameKey(one: PublicJwk, other: PublicJwk): boolean {
  const members = ["kty", "crv", "n", "e", "x", "y"];
  return members.every((member) => one[member] === other[member]);
}

/** Prepares a private key to sign. @throws Error for bytes that are no key of that algorithm */
export function readyToSign(kid: string, alg: string, privateKey: Uint8Array): ActiveKey {
  const known = readTokenAlg(alg);
  // A view, not a copy: the caller overwrites the bytes.
  const der = Buffer.from(privateKey.buffer, privateKey.byteOffset, privateKey.byteLength);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { kid, alg: known, signClaims: createJws(known, kid, key) };
}

/** Compact JWS (RFC 7515, 7.1). The header is the same for all tokens of a key and a type. */
function createJws(alg: TokenAlg, kid: string, privateKey: KeyObject): SignClaims {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const headers = { JWT: encode({ alg, typ: "JWT", kid }), "at+jwt": encode({ alg, typ: "at+jwt", kid }) };
  return async (claims, type = "JWT") => {
    const text = `${headers[type]}.${encode(claims)}`;
    const signature = await ALGORITHMS[alg].sign(Buffer.from(text, "latin1"), privateKey);
    return `${text}.${signature.toString("base64url")}`;
  };
}

/** @throws Error for a key of an algorithm that is unknown here */
export function readyToVerify(jwk: PublicJwk): KeyObject {
  readTokenAlg(jwk.alg);
  return createPublicKey({ key: { ...jwk }, format: "jwk" });
}

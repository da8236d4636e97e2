// Key pairs as the ring has them: made, described, made ready to sign or verify. Knows jose for the public half, and no ring.

import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK } from "jose";
import type { PublicJwk } from "../ports.ts";
import { ALGORITHMS, readTokenAlg, type TokenAlg } from "./algorithms.ts";
import { createJws, type SignClaims } from "./jws.ts";

/** A key that is ready to sign; its private half cannot be had from it. */
export interface ActiveKey {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly signClaims: SignClaims;
}

/** A key that is ready to verify what it has signed. */
export interface VerifyingKey {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly publicKey: KeyObject;
}

/** A key pair by its name: the private half is PKCS #8 DER, in the clear. */
export interface KeyMaterial {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly privateKey: Uint8Array;
  readonly publicJwk: PublicJwk;
}

/** Makes a key pair; its `kid` is its thumbprint, and none that a command line would take for an option. */
export async function generateKey(alg: TokenAlg): Promise<KeyMaterial> {
  for (;;) {
    const { privateKey } = await ALGORITHMS[alg].generate();
    const material = await describeKey(privateKey, alg);
    if (!material.kid.startsWith("-")) return material;
  }
}

/** A private key as the ring keeps it, named `kid`, or by the SHA-256 thumbprint of RFC 7638. */
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

/** Whether two keys are one, whatever they are named. */
export function isSameKey(one: PublicJwk, other: PublicJwk): boolean {
  const members = ["kty", "crv", "n", "e", "x", "y"];
  return members.every((member) => one[member] === other[member]);
}

/** @throws Error for bytes that are no key of that algorithm */
export function readyToSign(kid: string, alg: string, privateKey: Uint8Array): ActiveKey {
  const known = readTokenAlg(alg);
  // The same bytes, not a copy: whoever has them overwrites them.
  const der = Buffer.from(privateKey.buffer, privateKey.byteOffset, privateKey.byteLength);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  return { kid, alg: known, signClaims: createJws(known, kid, key) };
}

/** @throws Error for a key of another algorithm than it says */
export function readyToVerify({ kid, alg, ...jwk }: PublicJwk): VerifyingKey {
  return { kid, alg: readTokenAlg(alg), publicKey: createPublicKey({ key: jwk, format: "jwk" }) };
}

// The key ring: which key signs, which are published. Knows jose for the public half, and the SigningKeyStore port.

import { createPrivateKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, exportJWK } from "jose";
import type { PublicJwk, SigningKey, SigningKeyStore } from "../ports.ts";
import { ALGORITHMS, readTokenAlg, type TokenAlg } from "./algorithms.ts";
import { createJws, type SignClaims } from "./jws.ts";

/** A key that is ready to sign; its private half cannot be had from it. */
export interface ActiveKey {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly signClaims: SignClaims;
}

export interface KeyRing {
  /** The key that signs now; undefined while there is none. */
  readonly active: () => ActiveKey | undefined;
  /** Every key that a verifier may meet now. */
  readonly published: () => readonly PublicJwk[];
}

/**
 * Opens the ring of a store, making the first key, of `alg`, where there is none. Of processes that start together on an
 * empty store one makes the key and all use it.
 */
export async function openKeyRing(store: SigningKeyStore, alg: TokenAlg, now: number): Promise<KeyRing> {
  const key = (await store.active()) ?? (await store.activateFirst(await generateSigningKey(alg, now)));
  const active = readyKey(key);
  const published = [key.publicJwk];
  return { active: () => active, published: () => published };
}

function readyKey({ kid, alg: name, privateKey }: SigningKey): ActiveKey {
  const alg = readTokenAlg(name);
  const key = createPrivateKey({ key: Buffer.from(privateKey), format: "der", type: "pkcs8" });
  return { kid, alg, signClaims: createJws(alg, kid, key) };
}

async function generateSigningKey(alg: TokenAlg, now: number): Promise<SigningKey> {
  const { privateKey, publicKey } = await ALGORITHMS[alg].generate();
  const publicJwk = await describePublicKey(publicKey, alg);
  return {
    kid: publicJwk.kid,
    alg,
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }),
    publicJwk,
    createdAt: now,
  };
}

/** A public key as JWKS shows it; its `kid` is the SHA-256 thumbprint of RFC 7638. */
async function describePublicKey(publicKey: KeyObject, alg: TokenAlg): Promise<PublicJwk> {
  const { kty = "", ...members } = await exportJWK(publicKey);
  const strings = Object.entries(members).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  const kid = await calculateJwkThumbprint({ kty, ...members });
  return { kid, kty, alg, use: "sig", ...Object.fromEntries(strings) };
}

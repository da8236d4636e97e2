// The key ring: which key signs, which are published. Knows jose and the SigningKeyStore port.

import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, type webcrypto } from "node:crypto";
import { promisify } from "node:util";
import { calculateJwkThumbprint, exportJWK, importPKCS8 } from "jose";
import type { PublicJwk, SigningKey, SigningKeyStore } from "../ports.ts";

const ALG = "RS256";
const MODULUS_LENGTH = 2048;

/** A key that is ready to sign. */
export interface ActiveKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: webcrypto.CryptoKey;
}

export interface KeyRing {
  /** The key that signs now; undefined while there is none. */
  readonly active: () => ActiveKey | undefined;
  /** Every key that a verifier may meet now. */
  readonly published: () => readonly PublicJwk[];
}

/**
 * Opens the ring of a store, making the first key where there is none. Of processes that start together on an empty
 * store one makes the key and all use it.
 */
export async function openKeyRing(store: SigningKeyStore, now: number): Promise<KeyRing> {
  const key = (await store.active()) ?? (await store.activateFirst(await generateSigningKey(now)));
  const pem = createPrivateKey({ key: Buffer.from(key.privateKey), format: "der", type: "pkcs8" })
    .export({ format: "pem", type: "pkcs8" })
    .toString();
  const active = { kid: key.kid, alg: key.alg, privateKey: await importPKCS8(pem, key.alg) };
  const published = [key.publicJwk];
  return { active: () => active, published: () => published };
}

async function generateSigningKey(now: number): Promise<SigningKey> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", { modulusLength: MODULUS_LENGTH });
  const publicJwk = await describePublicKey(publicKey, ALG);
  return {
    kid: publicJwk.kid,
    alg: ALG,
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }),
    publicJwk,
    createdAt: now,
  };
}

/** A public key as JWKS shows it; its `kid` is the SHA-256 thumbprint of RFC 7638. */
async function describePublicKey(publicKey: KeyObject, alg: string): Promise<PublicJwk> {
  const { kty, n, e } = await exportJWK(createPublicKey(publicKey.export({ format: "pem", type: "spki" })));
  if (kty === undefined || n === undefined || e === undefined) throw new TypeError("an RSA key has a modulus");
  const kid = await calculateJwkThumbprint({ kty, n, e });
  return { kid, kty, alg, use: "sig", n, e };
}

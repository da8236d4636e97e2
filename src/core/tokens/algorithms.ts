// The algorithms that tokens may be signed with (RFC 7518, 3.1; RFC 8037, 3.1): how each makes a key, signs and
// verifies. Knows no ring and no token.

import { generateKeyPair, type KeyObject, sign, verify } from "node:crypto";
import { promisify } from "node:util";

export const TOKEN_ALGS = ["RS256", "ES256", "EdDSA"] as const;
export type TokenAlg = (typeof TOKEN_ALGS)[number];

export interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

interface Algorithm {
  readonly generate: () => Promise<KeyPair>;
  readonly sign: (text: Buffer, key: KeyObject) => Promise<Buffer>;
  /** On the spot: it takes 30 to 100 µs, and whoever asks waits for nothing else. */
  readonly verify: (text: Buffer, key: KeyObject, signature: Buffer) => boolean;
}

const MODULUS_LENGTH = 2048;

/**
 * An RSA signature takes long enough to go to libuv's thread pool, where it also uses the other cores. The others take
 * some 25 µs on the spot, which is less than the way to the pool and back.
 */
export const ALGORITHMS = {
  RS256: {
    generate: () => promisify(generateKeyPair)("rsa", { modulusLength: MODULUS_LENGTH }),
    sign: (text, key) =>
      new Promise((resolve, reject) => {
        sign("sha256", text, key, (error, signature) => (error === null ? resolve(signature) : reject(error)));
      }),
    verify: (text, key, signature) => verify("sha256", text, key, signature),
  },
  ES256: {
    generate: () => promisify(generateKeyPair)("ec", { namedCurve: "P-256" }),
    // RFC 7518, 3.4: R and S side by side, not in ASN.1.
    sign: async (text, key) => sign("sha256", text, { key, dsaEncoding: "ieee-p1363" }),
    verify: (text, key, signature) => verify("sha256", text, { key, dsaEncoding: "ieee-p1363" }, signature),
  },
  EdDSA: {
    generate: () => promisify(generateKeyPair)("ed25519"),
    sign: async (text, key) => sign(null, text, key),
    verify: (text, key, signature) => verify(null, text, key, signature),
  },
} satisfies Record<TokenAlg, Algorithm>;

/** @throws TypeError for an algorithm that is none of these */
export function readTokenAlg(text: string): TokenAlg {
  const alg = TOKEN_ALGS.find((candidate) => candidate === text);
  if (alg === undefined) throw new TypeError(`is none of ${TOKEN_ALGS.join(", ")}`);
  return alg;
}

// The algorithms (RFC 7518, 3.1; RFC 8037, 3.1) and types of tokens.

import { generateKeyPair, type KeyObject, type KeyPairKeyObjectResult, sign } from "node:crypto";
import { promisify } from "node:util";

export const TOKEN_ALGS = ["RS256", "ES256", "EdDSA"] as const;
export type TokenAlg = (typeof TOKEN_ALGS)[number];

/** Values of the header typ. JWT is the usual one (RFC 7519, 5.1); strict verifiers want at+jwt (RFC 9068, 2.1). */
export const TOKEN_TYPES = ["JWT", "at+jwt"] as const;
export type TokenType = (typeof TOKEN_TYPES)[number];

interface Algorithm {
  readonly generate: () => Promise<KeyPairKeyObjectResult>;
  readonly sign: (text: Buffer, key: KeyObject) => Promise<Buffer>;
}

const MODULUS_LENGTH = 2048;

/** RSA signs in the thread pool. The others take 25 µs, less than a round trip to the pool. */
export const ALGORITHMS = {
  RS256: {
    generate: () => promisify(generateKeyPair)("rsa", { modulusLength: MODULUS_LENGTH }),
    sign: (text, key) =>
      new Promise((resolve, reject) => {
        sign("sha256", text, key, (error, signature) => (error === null ? resolve(signature) : reject(error)));
      }),
  },
  ES256: {
    generate: () => promisify(generateKeyPair)("ec", { namedCurve: "P-256" }),
    // R and S concatenated, not in ASN.1 (RFC 7518, 3.4).
    sign: async (text, key) => sign("sha256", text, { key, dsaEncoding: "ieee-p1363" }),
  },
  EdDSA: {
    generate: () => promisify(generateKeyPair)("ed25519"),
    sign: async (text, key) => sign(null, text, key),
  },
} satisfies Record<TokenAlg, Algorithm>;

/** @throws TypeError for an unknown algorithm */
export function readTokenAlg(text: string): TokenAlg {
  const alg = TOKEN_ALGS.find((candidate) => candidate === text);
  if (alg === undefined) throw new TypeError(`is not one of ${TOKEN_ALGS.join(", ")}`);
  return alg;
}

/** Whether a header's typ is one of TOKEN_TYPES, in any case and with or without application/ (RFC 7515, 4.1.9). */
export function isTokenType(typ: unknown): boolean {
  const name = typeof typ === "string" ? typ.toLowerCase().replace(/^application\//, "") : "";
  return TOKEN_TYPES.some((type) => type.toLowerCase() === name);
}

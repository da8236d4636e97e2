// Compact JWS (RFC 7515, 7.1) of JWTs, made by one key. Knows no claims and no ring.

import type { KeyObject } from "node:crypto";
import { ALGORITHMS, type TokenAlg } from "./algorithms.ts";

/** Signs claims; what comes back is a token. */
export type SignClaims = (claims: object) => Promise<string>;

/** Signs with a private key, which stays inside. The header is the same for all tokens, and encoded once. */
export function createJws(alg: TokenAlg, kid: string, privateKey: KeyObject): SignClaims {
  const header = `${encodeHeader(alg, kid)}.`;
  const { sign } = ALGORITHMS[alg];
  return async (claims) => {
    const text = header + encode(claims);
    const signature = await sign(Buffer.from(text, "latin1"), privateKey);
    return `${text}.${signature.toString("base64url")}`;
  };
}

/** The header of all tokens of a key, as it stands in them. */
export function encodeHeader(alg: TokenAlg, kid: string): string {
  return encode({ alg, typ: "JWT", kid });
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

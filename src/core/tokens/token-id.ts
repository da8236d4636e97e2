// A token's name (the claim jti, RFC 7519, 4.1.7), which tells when it was issued to the millisecond: `iat` is in whole seconds, and
// a revocation in the middle of one has to tell its two halves apart. Knows no claims.

import { createRandomIds } from "../random-ids.ts";

const TIME_BYTES = 6;
const RANDOM_BYTES = 9;
const NAME = /^[\w-]{20}$/;
const TIME_CHARACTERS = 8;

/** Names tokens: unix milliseconds in 6 bytes, as UUID version 7 has them (RFC 9562, 5.7), and 72 random bits, in base64url. */
export function createTokenIds(): (issuedAtMs: number) => string {
  const nextRandom = createRandomIds(RANDOM_BYTES);
  const time = Buffer.alloc(TIME_BYTES);
  return (issuedAtMs) => {
    time.writeUIntBE(issuedAtMs, 0, TIME_BYTES);
    return time.toString("base64url") + nextRandom();
  };
}

/** When a token of this name was issued, in unix milliseconds; of one that was named otherwise, the start of the second `iat`. */
export function readIssuedAt(jti: string, iat: number): number {
  if (!NAME.test(jti)) return iat * 1000;
  const ms = Buffer.from(jti.slice(0, TIME_CHARACTERS), "base64url").readUIntBE(0, TIME_BYTES);
  return Math.floor(ms / 1000) === iat ? ms : iat * 1000;
}

// Random ids, and the names of tokens (jti, RFC 7519, 4.1.7), which hold their epoch: every revocation ends one.

import { hash, randomFillSync } from "node:crypto";
import type { RevocationMarks } from "./ports.ts";

const POOL_BYTES = 6_144;

/** Makes ids of `bytes` random bytes each, in base64url (RFC 4648, section 5). No byte is used twice. */
export function createRandomIds(bytes: number): () => string {
  const pool = Buffer.alloc(POOL_BYTES);
  let used = POOL_BYTES;
  return () => {
    if (used + bytes > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString("base64url", used - bytes, used);
  };
}

/** 48 bits: that two epochs of one device look the same is one chance in 10^14. */
const EPOCH_CHARACTERS = 8;
const RANDOM_BYTES = 9;
/** The characters of both: base64url has four for three bytes. */
const NAME = /^[\w-]{20}$/;

/** The epoch of tokens that are issued now: another one once any of the marks has changed, whichever way and by whatever clock. */
export function epochOf({ customerId, createdAt, device, customer }: RevocationMarks): string {
  return hash("sha256", `${customerId} ${createdAt} ${device} ${customer}`, "base64url").slice(0, EPOCH_CHARACTERS);
}

/** Names tokens: their epoch, and 72 random bits in base64url. */
export function createTokenIds(): (epoch: string) => string {
  const nextRandom = createRandomIds(RANDOM_BYTES);
  return (epoch) => epoch + nextRandom();
}

/** Whether tokens are named so. */
export function isTokenId(text: string): boolean {
  return NAME.test(text);
}

/** The epoch of a token of this name; undefined for one that is named otherwise. */
export function readEpoch(jti: string): string | undefined {
  return isTokenId(jti) ? jti.slice(0, EPOCH_CHARACTERS) : undefined;
}

/** The mark of a revocation at `now`, in unix milliseconds, after the mark `before`: always another one, whatever the clocks say. */
export function markRevocation(before: number, now: number): number {
  return Math.max(before + 1, now);
}

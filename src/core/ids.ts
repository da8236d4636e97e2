// Token ids (jti, RFC 7519, 4.1.7). Each holds the device's revocation epoch, which a revocation ends.

import { hash, randomFillSync } from "node:crypto";
import type { RevocationMarks } from "./ports.ts";

/** 48 bits: that two epochs of one device look the same is one chance in 10^14. */
const EPOCH_CHARACTERS = 8;
const RANDOM_BYTES = 9;
/** The characters of both: base64url has four for three bytes. */
const NAME = /^[\w-]{20}$/;

/** The epoch of tokens that are issued now. Any change of a mark changes the epoch. */
export function epochOf({ customerId, createdAt, device, customer }: RevocationMarks): string {
  return hash("sha256", `${customerId} ${createdAt} ${device} ${customer}`, "base64url").slice(0, EPOCH_CHARACTERS);
}

/** Random bytes for the next tokens: one by one they would cost 3 µs a login. */
const pool = Buffer.alloc(RANDOM_BYTES * 512);
let used = pool.length;

/** Names a token: its epoch, and 72 random bits in base64url. */
export function nameToken(epoch: string): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const start = used;
  used += RANDOM_BYTES;
  return epoch + pool.toString("base64url", start, used);
}

/** Whether a text has the shape of a jti. */
export function isTokenId(text: string): boolean {
  return NAME.test(text);
}

/** The epoch in a jti; undefined for a jti of another shape. */
export function readEpoch(jti: string): string | undefined {
  return isTokenId(jti) ? jti.slice(0, EPOCH_CHARACTERS) : undefined;
}

/** The mark of a revocation at `now`, in unix milliseconds. It is always later than `before`, even if the clock stepped back. */
export function markRevocation(before: number, now: number): number {
  return Math.max(before + 1, now);
}

// Keys that HMAC-SHA256 cannot tell apart.

import { createHash } from "node:crypto";

/** The block of SHA-256 (RFC 2104): shorter keys are padded with zero bytes, longer ones hashed first. */
const BLOCK_BYTES = 64;

/** Tells whether two keys make the same signatures. Not in constant time: the caller has both. */
export function isSameToHmac(one: Uint8Array, other: Uint8Array): boolean {
  return blockOf(one).equals(blockOf(other));
}

function blockOf(key: Uint8Array): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? createHash("sha256").update(key).digest() : key);
  return block;
}

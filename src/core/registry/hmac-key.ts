// When HMAC takes two keys for one. Knows nothing of whose they are.

import { createHash } from "node:crypto";

/** SHA-256's block (RFC 2104): shorter keys are filled up with zero bytes, longer ones are hashed first. */
const BLOCK_BYTES = 64;

/** Why two keys make the same signatures. */
export type Sameness =
  | "they are the same"
  | "they differ in zero bytes at the end alone"
  | "one is the hash of the other";

/** Why HMAC-SHA256 takes two keys for one; undefined: it tells them apart. Not in constant time: who asks has both. */
export function samenessOf(one: Uint8Array, other: Uint8Array): Sameness | undefined {
  if (Buffer.compare(one, other) === 0) return "they are the same";
  if (!effectOf(one).equals(effectOf(other))) return undefined;
  const hashed = one.length > BLOCK_BYTES || other.length > BLOCK_BYTES;
  return hashed ? "one is the hash of the other" : "they differ in zero bytes at the end alone";
}

/** The block that HMAC makes of a key. */
function effectOf(key: Uint8Array): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? createHash("sha256").update(key).digest() : key);
  return block;
}

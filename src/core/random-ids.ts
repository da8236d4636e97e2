// Random ids, drawn from the system in bulk: one call for each would cost more than all else that an id takes.

import { randomFillSync } from "node:crypto";

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

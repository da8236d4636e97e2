// Sealing: secrets at rest under the master key, AES-256-GCM. Knows no table; what a secret is bound to, it is told.

import { createCipheriv, createDecipheriv, createHash, createSecretKey, randomBytes } from "node:crypto";

/** Bytes of a master key. */
export const MASTER_KEY_BYTES = 32;

const CIPHER = "aes-256-gcm";
const VERSION = 1;
const KEY_ID_BYTES = 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

export interface Sealer {
  /** Seals `plaintext`, bound to `context`: it opens again only for the same context. */
  seal(plaintext: Uint8Array, context: readonly string[]): Buffer;
  /** Opens what `seal` made. @throws SealError, naming what is wrong; never gives other bytes. */
  open(sealed: Uint8Array, context: readonly string[]): Buffer;
}

/** A sealed secret that does not open; `message` names the reason and the cure. */
export class SealError extends Error {
  override readonly name = "SealError";
}

/**
 * A sealer under one master key of 32 bytes. Layout: version (1), master key id (8), nonce (12), tag (16), ciphertext;
 * version, key id and context are the associated data (NIST SP 800-38D).
 */
export function createSealer(masterKey: Uint8Array): Sealer {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new RangeError(`a master key has ${MASTER_KEY_BYTES} bytes`);
  const key = createSecretKey(masterKey);
  const keyId = createHash("sha256")
    .update("countersign master key id v1\0")
    .update(masterKey)
    .digest()
    .subarray(0, KEY_ID_BYTES);
  const header = Buffer.concat([Buffer.of(VERSION), keyId]);
  // JSON keeps the parts of a context apart, whatever they contain.
  const associate = (context: readonly string[]): Buffer =>
    Buffer.concat([header, Buffer.from(JSON.stringify(context))]);

  return {
    seal(plaintext, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES }).setAAD(associate(context));
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return Buffer.concat([header, iv, cipher.getAuthTag(), ciphertext]);
    },

    open(sealed, context) {
      const bytes = Buffer.from(sealed);
      if (bytes.length < HEADER_BYTES + IV_BYTES + TAG_BYTES)
        throw new SealError("a sealed secret is truncated. Restore it from a backup");
      if (bytes[0] !== VERSION)
        throw new SealError(`a sealed secret has version ${bytes[0]}. A newer gateway wrote it`);
      if (!bytes.subarray(1, HEADER_BYTES).equals(keyId)) {
        throw new SealError(
          "a secret was sealed with another master key. Set COUNTERSIGN_MASTER_KEY to the one that this database was made with",
        );
      }
      const iv = bytes.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES);
      const tag = bytes.subarray(HEADER_BYTES + IV_BYTES, HEADER_BYTES + IV_BYTES + TAG_BYTES);
      const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES })
        .setAAD(associate(context))
        .setAuthTag(tag);
      try {
        return Buffer.concat([decipher.update(bytes.subarray(HEADER_BYTES + IV_BYTES + TAG_BYTES)), decipher.final()]);
      } catch {
        throw new SealError("a sealed secret was altered or moved to another row. Restore it from a backup");
      }
    },
  };
}

// Seals secrets with master keys (AES-256-GCM), each bound to its row.

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createSecretKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";

/** Bytes of a master key. */
export const MASTER_KEY_BYTES = 32;

const CIPHER = "aes-256-gcm";
const VERSION = 1;
const KEY_ID_BYTES = 8;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/** Where a sealed secret has the id of its master key; bytes count from 1, as in SQL. */
export const SEALED_KEY_ID = { from: 2, bytes: KEY_ID_BYTES } as const;

const PREFIX_BYTES = HEADER_BYTES + IV_BYTES + TAG_BYTES;

export interface Sealer {
  /** Seals `plaintext` with the first master key, bound to `context`: it opens again only for the same context. */
  seal(plaintext: Uint8Array, context: readonly string[]): Buffer;
  /**
   * Opens what `seal` made, with the master key that it names and no other. The caller overwrites the bytes when done.
   * @throws SealError, naming what is wrong; never gives other bytes
   */
  open(sealed: Uint8Array, context: readonly string[]): Buffer;
  /** As `open`, into a KeyObject, so that no copy of the bytes is left. */
  openKey(sealed: Uint8Array, context: readonly string[]): KeyObject;
  /** Whether the header of `sealed` names the first master key. The secret may still fail to open. */
  sealedWithFirst(sealed: Uint8Array): boolean;
  /** The ids of the master keys, as sealed secrets have them at SEALED_KEY_ID. */
  readonly keyIds: readonly Uint8Array[];
}

/** A sealed secret that cannot be opened; `message` has its context, the reason and the cure. */
export class SealError extends Error {
  override readonly name = "SealError";
}

/** A sealed secret that only a newer gateway opens: it is not lost. */
export class NewerSealError extends SealError {}

/** A master key, with the id by which sealed secrets name it. */
interface MasterKey {
  readonly key: KeyObject;
  readonly id: Buffer;
  /** The first bytes of each secret that the key sealed. */
  readonly header: Buffer;
}

/**
 * A sealer under master keys of 32 bytes: the first seals, and each opens the secrets that it sealed. Layout: version (1), master key id
 * (8), nonce (12), tag (16), ciphertext; version, key id and context are the associated data (NIST SP 800-38D).
 * @throws RangeError without a key, for a key of another length, and for two keys with the same id
 */
export function createSealer(masterKeys: readonly Uint8Array[]): Sealer {
  const keys = masterKeys.map(readMasterKey);
  const [first] = keys;
  if (first === undefined) throw new RangeError("a sealer needs a master key");
  const byId = new Map(keys.map((key) => [key.id.toString("hex"), key]));
  if (byId.size < keys.length)
    throw new RangeError("two master keys have the same id: they are equal, or one has to be replaced");
  const keyOf = (sealed: Uint8Array): MasterKey | undefined =>
    byId.get(Buffer.from(sealed.subarray(1, HEADER_BYTES)).toString("hex"));

  function open(sealed: Uint8Array, context: readonly string[]): Buffer {
    const which = `the sealed secret of ${context.join(" ")}`;
    if (sealed.length < PREFIX_BYTES) throw new SealError(`${which} is truncated. Restore it from a backup`);
    if (sealed[0] !== VERSION) throw new NewerSealError(`${which} has version ${sealed[0]}. A newer gateway wrote it`);
    const master = keyOf(sealed);
    if (master === undefined) {
      throw new SealError(
        `${which} is sealed with another master key. Set COUNTERSIGN_MASTER_KEY to that key, or add it to COUNTERSIGN_OTHER_MASTER_KEYS`,
      );
    }
    const iv = sealed.subarray(HEADER_BYTES, HEADER_BYTES + IV_BYTES);
    const decipher = createDecipheriv(CIPHER, master.key, iv, { authTagLength: TAG_BYTES })
      .setAAD(associatedData(master, context))
      .setAuthTag(sealed.subarray(HEADER_BYTES + IV_BYTES, PREFIX_BYTES));
    // The whole plaintext: in GCM `final` only checks the tag.
    const plaintext = decipher.update(sealed.subarray(PREFIX_BYTES));
    try {
      decipher.final();
      return plaintext;
    } catch {
      plaintext.fill(0);
      throw new SealError(`${which} was altered or moved to another row. Restore it from a backup`);
    }
  }

  return {
    seal(plaintext, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv(CIPHER, first.key, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(associatedData(first, context));
      const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
      return Buffer.concat([first.header, iv, cipher.getAuthTag(), ciphertext]);
    },
    open,
    openKey(sealed, context) {
      const plaintext = open(sealed, context);
      const key = createSecretKey(plaintext);
      plaintext.fill(0);
      return key;
    },
    sealedWithFirst: (sealed) => first.header.equals(sealed.subarray(0, HEADER_BYTES)),
    keyIds: keys.map(({ id }) => id),
  };
}

function readMasterKey(masterKey: Uint8Array): MasterKey {
  if (masterKey.length !== MASTER_KEY_BYTES) throw new RangeError(`a master key has ${MASTER_KEY_BYTES} bytes`);
  const digest = createHash("sha256").update("countersign master key id v1\0").update(masterKey).digest();
  const id = digest.subarray(0, KEY_ID_BYTES);
  return { key: createSecretKey(masterKey), id, header: Buffer.concat([Buffer.of(VERSION), id]) };
}

/** The associated data. JSON separates the parts of a context unambiguously. */
function associatedData({ header }: MasterKey, context: readonly string[]): Buffer {
  return Buffer.concat([header, Buffer.from(JSON.stringify(context))]);
}

/** Whether a sealed secret can be opened. @throws NewerSealError for one that only a newer gateway opens */
export function opens(sealer: Pick<Sealer, "open">, sealed: Uint8Array, context: readonly string[]): boolean {
  try {
    sealer.open(sealed, context).fill(0);
    return true;
  } catch (error) {
    if (error instanceof NewerSealError || !(error instanceof SealError)) throw error;
    return false;
  }
}

/** The context of a customer key's secret. */
export function customerKeyContext(customerId: string, keyId: string, purpose: string): readonly string[] {
  return ["customer_key", customerId, keyId, purpose];
}

/** The context of a signing key's private half. */
export function signingKeyContext(kid: string, alg: string): readonly string[] {
  return ["signing_key", kid, alg];
}

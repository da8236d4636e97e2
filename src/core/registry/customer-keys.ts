// Customer keys: secrets that sign logins or derive boards' keys.

import { createHmac, randomBytes } from "node:crypto";
import { AuthError, malformed } from "../errors.ts";
import { type KeyPurpose, MAX_LIVE_KEYS } from "../ports.ts";
import type { Customers } from "./customers.ts";
import { doesNotExist, readCustomerId } from "./names.ts";
import type {
  Actor,
  AuditedResource,
  CustomerKeyStore,
  CustomerSecret,
  OpenedCustomerKey,
  StoredCustomerKey,
} from "./ports.ts";

export interface CustomerKeyDraft {
  readonly customerId: string;
  readonly purpose: KeyPurpose;
  /** Empty: the gateway makes one. */
  readonly importedKey: string;
  /** Unix milliseconds; undefined: now. */
  readonly notBefore?: number | undefined;
  /** Undefined: never. */
  readonly expiresAt?: number | undefined;
}

export interface IssuedCustomerKey {
  readonly keyId: string;
  /** The secret as it is flashed. It is stored sealed and cannot be read again. */
  readonly customerKey: string;
  /** Empty: none. */
  readonly warning: string;
}

export type KeyState = "pending" | "live" | "expired" | "retired";

export type CustomerKeyView = StoredCustomerKey & { readonly state: KeyState };

/** `devices` counts the devices whose last login the key proved. */
type UsedKey = CustomerKeyView & { readonly devices: number; readonly lastUseAt: number | undefined };

export interface KeyProgress {
  /** Every key that is live, or that a device uses. */
  readonly keys: readonly UsedKey[];
  /** Devices that have not logged in yet. */
  readonly silentDevices: number;
}

/** A key that is retired, or would be, and the effect. */
export interface Retirement {
  readonly key: CustomerKeyView;
  /** Devices whose last login a live key proved: without another key they can no longer log in. */
  readonly stoppedDevices: number;
  readonly silentDevices: number;
  /** Other live keys with the same purpose; without any, no device that needs such a key can log in. */
  readonly otherLiveKeys: number;
}

/** Each use case throws AuthError: `malformed`, or an error of the store. */
export interface CustomerKeys {
  issue(draft: CustomerKeyDraft, actor: Actor): Promise<IssuedCustomerKey>;
  /** All, the newest first. */
  list(customerId: string): Promise<readonly CustomerKeyView[]>;
  progress(customerId: string): Promise<KeyProgress>;
  /** `dryRun` only returns the effect. A retired key stays as it is. */
  retire(keyId: string, dryRun: boolean, actor: Actor): Promise<Retirement>;
}

/** The form of a key_id: databases refuse some characters. */
const KEY_ID = /^[\x21-\x7e]{1,64}$/;
const MAX_SECRET_BYTES = 1_024;
/** Shorter secrets can be guessed. They are imported with a warning, since firmware may have them. */
const SHORT_SECRET_BYTES = 16;
const SECRET_BYTES = 32;

/** `now` in Unix milliseconds. */
export function createCustomerKeys(
  customers: Pick<Customers, "get">,
  customerKeys: CustomerKeyStore,
  now: () => number,
): CustomerKeys {
  const viewOf = (key: StoredCustomerKey): CustomerKeyView => ({ ...key, state: stateOf(key, now()) });

  async function countUse(customerId: string): Promise<KeyProgress> {
    const keys = await customerKeys.list(customerId);
    const { keys: usage, silentDevices } = await customerKeys.usageOf(customerId);
    const unused = { devices: 0, lastUseAt: undefined };
    return { keys: keys.map((key) => ({ ...viewOf(key), ...(usage.get(key.keyId) ?? unused) })), silentDevices };
  }

  return {
    async issue(draft, actor) {
      const at = now();
      const isImported = draft.importedKey !== "";
      const customerKey = isImported ? draft.importedKey : randomBytes(SECRET_BYTES).toString("hex");
      const key = newKey(draft, customerKey, at);
      const { keyId, purpose, notBefore, expiresAt } = key;
      const details = {
        key_id: keyId,
        purpose,
        imported: isImported,
        not_before: new Date(notBefore).toISOString(),
        ...(expiresAt !== undefined && { expires_at: new Date(expiresAt).toISOString() }),
      };
      const entry = { actor, at, action: "IssueCustomerKey", ...resourceOf(key), details };
      await customerKeys.insert(key, (others) => checkAgainst(key, others, at), entry);
      return { keyId, customerKey, warning: isImported ? warningOf(customerKey, key.secret.length) : "" };
    },

    async list(customerId) {
      await customers.get(customerId);
      return (await customerKeys.list(customerId)).map(viewOf);
    },

    async progress(customerId) {
      await customers.get(customerId);
      const { keys, silentDevices } = await countUse(customerId);
      return { keys: keys.filter(({ devices, state }) => devices > 0 || state === "live"), silentDevices };
    },

    async retire(keyId, dryRun, actor) {
      if (!KEY_ID.test(keyId)) throw doesNotExist("customer key");
      let wasLive = false;
      // Retires before it counts the devices, which may take seconds: a leaked key has to stop at once.
      const key = await customerKeys.retire(keyId, (current) => {
        const at = now();
        wasLive = stateOf(current, at) === "live";
        if (dryRun || current.retiredAt !== undefined) return undefined;
        const details = { key_id: keyId, purpose: current.purpose };
        return { actor, at, action: "RetireCustomerKey", ...resourceOf(current), details };
      });
      const { keys, silentDevices } = await countUse(key.customerId);
      const others = keys.filter((one) => one.keyId !== keyId && one.purpose === key.purpose && one.state === "live");
      const devices = keys.find((one) => one.keyId === keyId)?.devices ?? 0;
      const stoppedDevices = wasLive ? devices : 0;
      return { key: viewOf(key), stoppedDevices, silentDevices, otherLiveKeys: others.length };
    },
  };
}

/** A key's state at `now`, in Unix milliseconds. */
export function stateOf({ notBefore, expiresAt, retiredAt }: StoredCustomerKey, now: number): KeyState {
  if (retiredAt !== undefined) return "retired";
  if (expiresAt !== undefined && expiresAt <= now) return "expired";
  return notBefore > now ? "pending" : "live";
}

/** @throws AuthError `malformed` */
function newKey(draft: CustomerKeyDraft, customerKey: string, now: number): CustomerSecret {
  const { purpose, notBefore = now, expiresAt } = draft;
  const customerId = readCustomerId(draft.customerId);
  if (expiresAt !== undefined && expiresAt <= Math.max(notBefore, now)) {
    const begin = notBefore > now ? "not_before" : "now";
    throw malformed(`expires_at is not after ${begin}. This key would never be valid`, "expires_at");
  }
  const keyId = randomBytes(8).toString("hex");
  const secret = readSecret(customerKey);
  return { keyId, customerId, purpose, secret, notBefore, expiresAt, createdAt: now, retiredAt: undefined };
}

function readSecret(text: string): Buffer {
  if (!text.isWellFormed()) throw malformed("imported_key is not text that UTF-8 can encode", "imported_key");
  const secret = Buffer.from(text, "utf8");
  if (secret.length > MAX_SECRET_BYTES) {
    throw malformed(`imported_key has ${secret.length} bytes. Send at most ${MAX_SECRET_BYTES}`, "imported_key");
  }
  return secret;
}

function warningOf(customerKey: string, bytes: number): string {
  if (bytes < SHORT_SECRET_BYTES) {
    const size = bytes === 1 ? "1 byte" : `${bytes} bytes`;
    return `this key has ${size} and can be guessed. Replace it when the firmware next changes`;
  }
  if (customerKey.trim() === customerKey) return "";
  return "this key begins or ends in white space. Check that the firmware has it";
}

/**
 * Checks a new key against the other keys of its customer. A derivation key with the bytes of a login key, which boards hold, would
 * give each board the keys of all boards.
 * @throws AuthError `failed_precondition` over MAX_LIVE_KEYS, `already_exists` for a secret that the customer has
 */
function checkAgainst(key: CustomerSecret, others: readonly OpenedCustomerKey[], now: number): void {
  const { purpose } = key;
  const isStanding = (other: OpenedCustomerKey): boolean =>
    other.purpose === purpose && ["live", "pending"].includes(stateOf(other, now));
  if (others.filter(isStanding).length >= MAX_LIVE_KEYS) {
    const message = `this customer has ${MAX_LIVE_KEYS} keys for ${purpose} that are live or pending. Retire one first`;
    throw new AuthError("failed_precondition", message);
  }
  // HMAC treats some different keys as equal (RFC 2104): the same bytes but for zeros at the end, or a long key and its hash.
  const macOf = (secret: Buffer): Buffer => createHmac("sha256", secret).digest();
  const same = others.find(
    // A retired secret may be imported again for the same purpose.
    ({ secret, retiredAt, ...other }) =>
      secret && macOf(secret).equals(macOf(key.secret)) && (other.purpose !== purpose || retiredAt === undefined),
  );
  if (same === undefined) return;
  const cure = same.purpose === purpose ? "Use that one or retire it first" : "Choose another";
  const message = `this key is the key ${same.keyId} of this customer for ${same.purpose}. ${cure}`;
  throw new AuthError("already_exists", message, { field: "imported_key" });
}

function resourceOf({ keyId, customerId }: StoredCustomerKey): AuditedResource {
  return { resource: `customer-keys/${keyId}`, customerId };
}

// The registry: the operator's use-cases on customers, devices and their keys. Knows no protocol and no database.

import { randomBytes, randomUUID } from "node:crypto";
import { MAX_DEVICE_KEY, readDeviceKey } from "./device-key.ts";
import { malformed } from "./errors.ts";
import type { Customer, Device, KeyMode, KeyPurpose, RegistryStore, Status } from "./ports.ts";

const MAX_DISPLAY_NAME = 200;
const MAX_SECRET_BYTES = 1024;
/** Below this many bytes a secret can be guessed; those already flashed must be importable all the same. */
const SHORT_SECRET_BYTES = 16;

export interface CustomerDraft {
  readonly displayName: string;
  readonly status: Status;
}

export interface DeviceDraft {
  readonly customerId: string;
  /** Empty: the gateway makes one. */
  readonly deviceKey: string;
  readonly displayName: string;
  readonly status: Status;
  readonly keyMode: KeyMode;
  readonly sharedIdentity: boolean;
  /** Undefined: on for derived keys, off for shared ones, which many boards sign with in the same second. */
  readonly replayGuard: boolean | undefined;
}

export interface CustomerKeyDraft {
  readonly customerId: string;
  readonly purpose: KeyPurpose;
  /** Empty: the gateway makes one. */
  readonly importedKey: string;
}

export interface IssuedCustomerKey {
  readonly keyId: string;
  /** The secret as it is flashed. Not kept in the clear: this is the only time it is seen. */
  readonly customerKey: string;
  readonly warning: string;
}

export interface Registry {
  createCustomer(draft: CustomerDraft): Promise<Customer>;
  issueCustomerKey(draft: CustomerKeyDraft): Promise<IssuedCustomerKey>;
  createDevice(draft: DeviceDraft): Promise<Device>;
}

/** Hears of every change, after it is stored, so that nothing cached outlives it. */
export interface RegistryListener {
  deviceChanged(deviceKey: string): void;
  customerChanged(customerId: string): void;
}

export interface RegistryDependencies {
  readonly store: RegistryStore;
  readonly listener: RegistryListener;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Builds the use-cases over their ports. Each throws AuthError: `malformed`, or what the store refuses. */
export function createRegistry({ store, listener, now }: RegistryDependencies): Registry {
  return {
    async createCustomer({ displayName, status }) {
      const customer = {
        customerId: randomBytes(8).toString("hex"),
        displayName: readDisplayName(displayName),
        status,
      };
      await store.insertCustomer(customer, now());
      return customer;
    },

    async issueCustomerKey({ customerId, purpose, importedKey }) {
      const imported = importedKey !== "";
      const customerKey = imported ? importedKey : randomBytes(32).toString("hex");
      const secret = Buffer.from(customerKey, "utf8");
      if (secret.length > MAX_SECRET_BYTES) {
        throw malformed(`imported_key has ${secret.length} bytes. It has at most ${MAX_SECRET_BYTES}`, "imported_key");
      }
      const keyId = randomBytes(8).toString("hex");
      await store.insertCustomerKey({ keyId, customerId, purpose, secret, createdAt: now() });
      listener.customerChanged(customerId);
      return { keyId, customerKey, warning: imported ? warningFor(customerKey, secret.length) : "" };
    },

    async createDevice(draft) {
      const device = {
        ...draft,
        deviceKey: draft.deviceKey === "" ? randomUUID() : readEnrolledDeviceKey(draft.deviceKey),
        displayName: readDisplayName(draft.displayName),
        replayGuard: draft.replayGuard ?? draft.keyMode === "derived",
      };
      await store.insertDevice(device, now());
      listener.deviceChanged(device.deviceKey);
      return device;
    },
  };
}

function readDisplayName(text: string): string {
  if (text.length <= MAX_DISPLAY_NAME) return text;
  throw malformed(`display_name has ${text.length} characters. It has at most ${MAX_DISPLAY_NAME}`, "display_name");
}

/** A quote or backslash takes two characters in a token, and the answer to a login has to stay under 900 bytes. */
function readEnrolledDeviceKey(text: string): string {
  const deviceKey = readDeviceKey(text);
  const escaped = JSON.stringify(deviceKey).length - 2;
  if (escaped <= MAX_DEVICE_KEY) return deviceKey;
  throw malformed(
    `device_key takes ${escaped} characters in a token because of its quotes and backslashes. It may take ${MAX_DEVICE_KEY}`,
    "device_key",
  );
}

function warningFor(customerKey: string, bytes: number): string {
  if (bytes < SHORT_SECRET_BYTES)
    return `this key has ${bytes} bytes and can be guessed. Replace it when the firmware next changes`;
  if (/\s$/.test(customerKey)) return "this key ends in white space. Is that what is flashed?";
  return "";
}

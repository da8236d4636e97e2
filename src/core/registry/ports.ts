// The ports of the operator's use-cases: the registry at rest, and what its keepers owe.

import type { KeyPurpose } from "../ports.ts";
import type { Condition } from "./filter.ts";

export type Status = "enabled" | "disabled";
export type KeyMode = "shared" | "derived";

/** Within so many milliseconds every gateway acts on a change. */
export const SEEN_MS = 1_000;

export interface Customer {
  readonly customerId: string;
  readonly displayName: string;
  readonly status: Status;
  /** `20/60s` or `off`, in place of the gateway's own login limit; empty: that. */
  readonly loginLimit: string;
  /** When the tokens of its devices were last taken back, in unix milliseconds; 0: never. */
  readonly tokensNotBefore: number;
}

/** Fields that the store adds: times in unix milliseconds, and a number that every change raises by one. */
export interface Versioned {
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revision: number;
}

export type StoredCustomer = Customer & Versioned;

export interface CustomerKey {
  readonly keyId: string;
  readonly customerId: string;
  readonly purpose: KeyPurpose;
  readonly notBefore: number;
  /** Undefined: never by itself. */
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

export interface StoredCustomerKey extends CustomerKey {
  /** When it was retired, or given up as lost; undefined: neither. */
  readonly retiredAt: number | undefined;
}

/** A key and its secret, in the clear here and sealed at rest. */
export interface CustomerSecret extends StoredCustomerKey {
  readonly secret: Buffer;
}

/** A stored key; its secret is undefined where no master key of this gateway opens it. */
export interface OpenedCustomerKey extends StoredCustomerKey {
  readonly secret: Buffer | undefined;
}

export interface Device {
  readonly deviceKey: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: Status;
  readonly keyMode: KeyMode;
  /** When keyMode was set, in unix milliseconds: at its last change, or when the device was enrolled. */
  readonly keyModeSince: number;
  readonly sharedIdentity: boolean;
  readonly replayGuard: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Its own, that alone proves its logins: base64 of a SubjectPublicKeyInfo; empty: none. */
  readonly publicKey: string;
  /** Derived, and not yet seen to log in so: a shared key is as good. */
  readonly acceptsShared: boolean;
  /** When its tokens were last taken back, in unix milliseconds; 0: never. */
  readonly tokensNotBefore: number;
}

/** Last events of a device; each is undefined until it happens. */
export interface Activity {
  readonly lastLoginAt: number | undefined;
  readonly lastKeyId: string | undefined;
  readonly lastFailureAt: number | undefined;
  readonly lastFailureReason: string | undefined;
}

export type StoredDevice = Device & Versioned & Activity;

/** Who makes a change. */
export interface Actor {
  /** Names the admin token without telling it; `gateway`: the gateway itself. */
  readonly tokenId: string;
  /** As whoever called says; may be empty. */
  readonly operator: string;
  readonly address: string;
  readonly requestId: string;
}

/** The gateway itself, as the audit log has it. */
export const GATEWAY: Actor = { tokenId: "gateway", operator: "", address: "", requestId: "" };

/** One change, as the audit log has it. `details` never holds a secret. */
export interface AuditEntry {
  readonly actor: Actor;
  /** Unix milliseconds. */
  readonly at: number;
  /** The call it is, as in `UpdateDevice`. */
  readonly action: string;
  /** As in `devices/pump-7`. */
  readonly resource: string;
  /** The customer of the resource; empty: none. */
  readonly customerId: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface AuditEvent extends AuditEntry {
  readonly eventId: string;
}

/** A page that is asked for: what comes after `after`, in the order of the list. */
export interface Page {
  /** Empty: from the start. */
  readonly after: string;
  readonly size: number;
  readonly conditions: readonly Condition[];
}

/** A page, which may be short before the last: so much is looked at and no more, however few match. */
export interface Paged<Item> {
  readonly items: readonly Item[];
  /** Where the next page starts; undefined: this is the last. */
  readonly next: string | undefined;
}

/** A change of a row, and its audit entry. */
export interface Change<Row> {
  readonly next: Row;
  readonly entry: AuditEntry;
}

/** Decides a change by the row as it is in the transaction; undefined: there is nothing to change. May throw AuthError. */
export type Decide<Stored, Row> = (current: Stored) => Change<Row> | undefined;

/**
 * Every change and its audit entry are one transaction; what is acknowledged is on disk, and counts for every gateway on the
 * same database. What is there already throws AuthError `already_exists`, what is missing `does_not_exist`, each naming the
 * field; `unavailable` when the database cannot be asked.
 */
export interface CustomerStore {
  insert(customer: Customer, entry: AuditEntry): Promise<StoredCustomer>;
  find(customerId: string): Promise<StoredCustomer | undefined>;
  /** By customer_id. */
  list(page: Page): Promise<Paged<StoredCustomer>>;
  update(customerId: string, decide: Decide<StoredCustomer, Customer>): Promise<StoredCustomer>;
  /** And its keys. Throws AuthError `failed_precondition` while it has devices. */
  delete(customerId: string, decide: (current: StoredCustomer) => AuditEntry): Promise<void>;
}

/** As CustomerStore; secrets are sealed at rest. */
export interface CustomerKeyStore {
  /** `check` sees every other key of the customer, in the transaction, and throws AuthError where this one may not be. */
  insert(key: CustomerSecret, check: (others: readonly OpenedCustomerKey[]) => void, entry: AuditEntry): Promise<void>;
  find(keyId: string): Promise<StoredCustomerKey | undefined>;
  /** All, the newest first. */
  list(customerId: string): Promise<readonly StoredCustomerKey[]>;
  /** As `list`; the caller overwrites the secrets when done. A key in use that does not open is reported as a fault. */
  secretsOf(customerId: string): Promise<readonly OpenedCustomerKey[]>;
  retire(keyId: string, decide: (current: StoredCustomerKey) => AuditEntry | undefined): Promise<StoredCustomerKey>;
  /** Counts devices in steps, none of which holds up a login for long. */
  usageOf(customerId: string): Promise<KeyUsage>;
}

/** The devices of a customer, by the key that proved their last login. */
export interface KeyUsage {
  readonly keys: ReadonlyMap<string, { readonly devices: number; readonly lastUseAt: number }>;
  /** Devices that have not logged in yet. */
  readonly silentDevices: number;
}

/** As CustomerStore. */
export interface DeviceStore {
  insert(device: Device, entry: AuditEntry): Promise<StoredDevice>;
  find(deviceKey: string): Promise<StoredDevice | undefined>;
  /** By device_key. */
  list(page: Page): Promise<Paged<StoredDevice>>;
  update(deviceKey: string, decide: Decide<StoredDevice, Device>): Promise<StoredDevice>;
  delete(deviceKey: string, decide: (current: StoredDevice) => AuditEntry): Promise<void>;
  /**
   * Decides each key by the device that has it, and by whether the customer of the row is there; writes what is decided,
   * and one entry for all, in one transaction. Keys are distinct. No entry and no transaction when nothing changes.
   */
  importAll(
    rows: readonly { readonly deviceKey: string; readonly customerId: string }[],
    decide: (place: number, current: Device | undefined, customerExists: boolean) => Device | undefined,
    describe: () => AuditEntry,
  ): Promise<void>;
}

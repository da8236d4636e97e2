// The rows of the registry, and the ports of its stores.

import type { KeyPurpose } from "../ports.ts";

export type Status = "enabled" | "disabled";
export type KeyMode = "shared" | "derived";

/** Every gateway acts on a change within this time, in milliseconds. */
export const SEEN_MS = 1_000;

export interface Customer {
  readonly customerId: string;
  readonly displayName: string;
  readonly status: Status;
  /** `20/60s` or `off`; empty: the gateway's own login limit. */
  readonly loginLimit: string;
  /** Last revocation of its devices' tokens, in Unix milliseconds; 0: never. */
  readonly tokensNotBefore: number;
}

/** Fields that the store adds: times in Unix milliseconds; every change raises `revision` by one. */
export interface Versioned {
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly revision: number;
}

export type StoredCustomer = Customer & Versioned;

export interface StoredCustomerKey {
  readonly keyId: string;
  readonly customerId: string;
  readonly purpose: KeyPurpose;
  readonly notBefore: number;
  /** Undefined: never. */
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
  /** When it was retired: by an operator, or because it could not be unsealed. */
  readonly retiredAt: number | undefined;
}

/** A key and its secret, which is sealed at rest. */
export type CustomerSecret = StoredCustomerKey & { readonly secret: Buffer };

/** A stored key; `secret` is undefined if no master key opens it. */
export type OpenedCustomerKey = StoredCustomerKey & { readonly secret: Buffer | undefined };

export interface Device {
  readonly deviceKey: string;
  readonly customerId: string;
  readonly displayName: string;
  readonly status: Status;
  readonly keyMode: KeyMode;
  /** When keyMode was set, in Unix milliseconds: at its last change, or when the device was enrolled. */
  readonly keyModeSince: number;
  readonly sharedIdentity: boolean;
  readonly replayGuard: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** A public key that replaces the customer's keys, in base64 of a SubjectPublicKeyInfo; empty: none. */
  readonly publicKey: string;
  /** The device is moving to its own key: the shared key still proves its logins. */
  readonly acceptsShared: boolean;
  /** Last revocation of its tokens, in Unix milliseconds; 0: never. */
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

/** The author of a change. */
export interface Actor {
  /** Identifies the admin token; `gateway`: the gateway itself. */
  readonly tokenId: string;
  /** The operator's name; may be empty. */
  readonly operator: string;
  readonly address: string;
  readonly requestId: string;
}

/** The gateway as the author of a change. */
export const GATEWAY: Actor = { tokenId: "gateway", operator: "", address: "", requestId: "" };

/** One change in the audit log. `details` never holds a secret. */
export interface AuditEntry {
  readonly actor: Actor;
  /** Unix milliseconds. */
  readonly at: number;
  /** The method, as in `UpdateDevice`. */
  readonly action: string;
  /** As in `devices/pump-7`. */
  readonly resource: string;
  /** The customer of the resource; empty: none. */
  readonly customerId: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** The author and the time of a change. */
export type Stamp = Pick<AuditEntry, "actor" | "at">;

/** The resource of an entry, as in `devices/pump-7`, and its customer. */
export type AuditedResource = Pick<AuditEntry, "resource" | "customerId">;

export interface AuditEvent extends AuditEntry {
  readonly eventId: string;
}

/** How a condition compares. */
export type ComparisonOperator = "=" | "!=" | "<" | "<=" | ">" | ">=";

/** One comparison of a filter. The value has the field's type; times are Unix milliseconds. */
export interface Condition {
  /** In the callers' spelling: `customer_id`; `labels.site` for a label. */
  readonly field: string;
  readonly operator: ComparisonOperator;
  readonly value: string | number | boolean;
}

/** A page of a list: the items after the name `after`. */
export interface PageQuery {
  /** Empty: from the start. */
  readonly after: string;
  readonly size: number;
  readonly conditions: readonly Condition[];
}

/** A page. Any page may be short: the store looks at a bounded number of rows, however few match. */
export interface PageResult<Item> {
  readonly items: readonly Item[];
  /** `after` of the next page; undefined: this is the last. */
  readonly next: string | undefined;
}

/** A change of a row, and its audit entry. */
export interface Change<Row> {
  readonly next: Row;
  readonly entry: AuditEntry;
}

/**
 * The store of customers or devices. A change and its audit entry are one transaction. An acknowledged change is on disk and counts
 * for every gateway on the same database. Throws AuthError `already_exists` for a taken name, `does_not_exist` for a missing row,
 * each with its field; `unavailable` while the database is away.
 */
export interface ResourceStore<Row, Stored> {
  insert(row: Row, entry: AuditEntry): Promise<Stored>;
  find(name: string): Promise<Stored | undefined>;
  /** In the order of the names. */
  list(page: PageQuery): Promise<PageResult<Stored>>;
  /** Changes the row as `decide` says; undefined changes nothing. */
  update(name: string, decide: (current: Stored) => Change<Row> | undefined): Promise<Stored>;
  delete(name: string, decide: (current: Stored) => AuditEntry): Promise<void>;
}

/** The store of customers. A customer is deleted with its keys. Throws AuthError `failed_precondition` while it has devices. */
export type CustomerStore = ResourceStore<Customer, StoredCustomer>;

/** The store of customer keys, which seals secrets. Transactions and errors as in ResourceStore. */
export interface CustomerKeyStore {
  /** `check` gets every other key of the customer, in the transaction, and may throw AuthError. */
  insert(key: CustomerSecret, check: (others: readonly OpenedCustomerKey[]) => void, entry: AuditEntry): Promise<void>;
  /** All, the newest first. */
  list(customerId: string): Promise<readonly StoredCustomerKey[]>;
  /** As `list`, with the secrets, which the caller overwrites when done. Reports a live key that cannot be unsealed as a fault. */
  secretsOf(customerId: string): Promise<readonly OpenedCustomerKey[]>;
  /** Retires a key at the time of the entry; undefined changes nothing. */
  retire(keyId: string, decide: (current: StoredCustomerKey) => AuditEntry | undefined): Promise<StoredCustomerKey>;
  /** Counts devices in short steps, so that logins continue meanwhile. */
  usageOf(customerId: string): Promise<KeyUsage>;
}

/** The devices of a customer, by the key that proved their last login. */
export interface KeyUsage {
  readonly keys: ReadonlyMap<string, { readonly devices: number; readonly lastUseAt: number }>;
  /** Devices that have not logged in yet. */
  readonly silentDevices: number;
}

/** The store of devices. */
export interface DeviceStore extends ResourceStore<Device, StoredDevice> {
  /**
   * Decides each row from the stored device and from whether its customer exists. Writes the changes and one entry for all in one
   * transaction, and nothing without changes. The device_keys are distinct.
   */
  importAll<Row extends Pick<Device, "deviceKey" | "customerId">>(
    rows: readonly Row[],
    decide: (row: Row, current: Device | undefined, customerExists: boolean) => Device | undefined,
    describe: () => AuditEntry,
  ): Promise<void>;
}

/** The store of the audit log. Throws AuthError `unavailable` while the database is away. */
export interface AuditLog {
  /** Adds an entry for a secret that is shown, which changes no row. */
  append(entry: AuditEntry): Promise<void>;
  /** The newest first. */
  list(page: PageQuery): Promise<PageResult<AuditEvent>>;
  /** Deletes at most `most` events older than `time`. @returns how many */
  prune(time: number, most: number): Promise<number>;
}

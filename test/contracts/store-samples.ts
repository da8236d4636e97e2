// Rows and opened stores for the suites of the store's contract.

import type { Credential, CustomerKey } from "../../src/core/ports.ts";
import type { Actor, AuditEntry, Customer, CustomerSecret, Device } from "../../src/core/registry/ports.ts";
import type { Database } from "../../src/store/database.ts";
import type { Store } from "../../src/store/sql.ts";

export interface OpenedStore {
  readonly database: Database;
  readonly store: Store;
  /** Faults that the store and its reopened copies reported for secrets that cannot be unsealed. */
  readonly faults: readonly unknown[];
  /** Opens the same database again, as another process does. */
  reopen(masterKeys?: readonly Uint8Array[]): Promise<Store>;
  /** Closes the database: later calls fail. */
  close(): Promise<void>;
}

export type Open = () => Promise<OpenedStore>;

export const NOW = 1_764_000_000_000;
export const ACTOR: Actor = { tokenId: "0a1b2c3d", operator: "ops@desk", address: "192.0.2.1", requestId: "r-1" };
export const customer: Customer = {
  customerId: "customer-1",
  displayName: "One",
  status: "enabled",
  loginLimit: "",
  tokensNotBefore: 0,
};
export const device: Device = {
  deviceKey: "device-1",
  customerId: customer.customerId,
  displayName: "",
  status: "enabled",
  keyMode: "shared",
  keyModeSince: 0,
  sharedIdentity: false,
  replayGuard: false,
  labels: {},
  publicKey: "",
  acceptsShared: false,
  tokensNotBefore: 0,
};

/** A device without a single default value. */
export const oddDevice: Device = {
  ...device,
  deviceKey: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  displayName: "Pümpe 🚰",
  status: "disabled",
  keyMode: "derived",
  sharedIdentity: true,
  replayGuard: true,
  labels: { "a.b-c_d": 'x"\\y', proto: "ü" },
  acceptsShared: true,
  tokensNotBefore: NOW + 1,
};

/** A device_activity row with one login. */
export function seenOnce(deviceKey: string) {
  return {
    device_key: deviceKey,
    last_login_at: NOW,
    last_key_id: "k1",
    last_failure_at: null,
    last_failure_reason: null,
  };
}

/** A request for the first page. */
export const FIRST = { after: "", size: 100, conditions: [] } as const;

export function keyOf(keyId: string, draft: Partial<CustomerSecret> = {}): CustomerSecret {
  return {
    keyId,
    customerId: customer.customerId,
    purpose: "login",
    secret: Buffer.from(`secret of ${keyId}`),
    notBefore: NOW,
    expiresAt: undefined,
    createdAt: NOW,
    retiredAt: undefined,
    ...draft,
  };
}

export function entryOf(action: string, draft: Partial<AuditEntry> = {}): AuditEntry {
  return {
    actor: ACTOR,
    at: NOW,
    action,
    resource: "devices/device-1",
    customerId: customer.customerId,
    details: {},
    ...draft,
  };
}

/** An audit entry that cannot be written, so that its transaction fails. */
export function brokenEntry(): AuditEntry {
  const details: AuditEntry["details"] = Object.defineProperty({}, "broken", {
    enumerable: true,
    get: () => {
      throw new Error("this entry cannot be written");
    },
  });
  return entryOf("Broken", { details });
}

export async function addCustomer(store: Store, draft: Partial<Customer> = {}): Promise<void> {
  await store.customers.insert({ ...customer, ...draft }, entryOf("CreateCustomer"));
}

export async function addKey(store: Store, keyId: string, draft: Partial<CustomerSecret> = {}): Promise<void> {
  await store.customerKeys.insert(keyOf(keyId, draft), () => {}, entryOf("IssueCustomerKey"));
}

export async function addDevice(store: Store, draft: Partial<Device> = {}): Promise<void> {
  await store.devices.insert({ ...device, ...draft }, entryOf("CreateDevice"));
}

/** Opens a store that has the customer. */
export async function openWithCustomer(open: Open): Promise<OpenedStore> {
  const opened = await open();
  await addCustomer(opened.store);
  return opened;
}

/** The keys of a credential, derivation keys first. */
function keysOf({ loginKeys, derivationKeys }: Credential): readonly CustomerKey[] {
  return [...derivationKeys, ...loginKeys];
}

export function keyIdsOf(credential: Credential): string[] {
  return keysOf(credential).map(({ keyId }) => keyId);
}

/** The keys of a credential, as text. */
export function secretsOf(credential: Credential): string[] {
  return keysOf(credential).map(({ secret }) => secret.export().toString("utf8"));
}

/** The actions of the audit log, the oldest first. */
export async function actionsOf({ audit }: Store): Promise<readonly string[]> {
  const { items } = await audit.list(FIRST);
  return items.map(({ action }) => action).reverse();
}

/** Enrols devices of the customer, a thousand at once. @returns their names, in order */
export async function enrolMany(
  store: Store,
  count: number,
  draftOf: (index: number) => Partial<Device> = () => ({}),
): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, index) => `device-${String(index).padStart(5, "0")}`);
  for (let done = 0; done < count; done += 1_000) {
    const rows = keys.slice(done, done + 1_000).map((deviceKey) => ({ deviceKey, customerId: "customer-1" }));
    await store.devices.importAll(
      rows,
      (index) => ({ ...device, ...draftOf(done + index), deviceKey: rows[index]?.deviceKey ?? "" }),
      () => entryOf("ImportDevices"),
    );
  }
  return keys;
}

// Rows and opened stores for the suites of the store's contract.

import type { ActivityUpdate } from "../../src/core/activity.ts";
import type { Activity, Actor, AuditEntry, Customer, CustomerSecret, Device } from "../../src/core/registry/ports.ts";
import type { Store } from "../../src/store/sql.ts";
import type { TestDatabase } from "../store/database.ts";

export type Open = () => Promise<TestDatabase>;

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

/** A customer without a single default value. */
export const oddCustomer: Customer = {
  ...customer,
  displayName: 'Ünïcode "&" \\ 漢字 🚰',
  status: "disabled",
  loginLimit: "20/60s",
  tokensNotBefore: NOW + 1,
};

/** A device without a single default value. */
export const oddDevice: Device = {
  ...device,
  deviceKey: "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
  displayName: "Pümpe 🚰",
  status: "disabled",
  keyMode: "derived",
  keyModeSince: NOW + 2,
  sharedIdentity: true,
  replayGuard: true,
  labels: { "a.b-c_d": 'x"\\y', proto: "ü" },
  publicKey: "AQAB",
  acceptsShared: true,
  tokensNotBefore: NOW + 1,
};

/** The activity of a device that has never logged in. */
export const UNSEEN: Activity = {
  lastLoginAt: undefined,
  lastKeyId: undefined,
  lastFailureAt: undefined,
  lastFailureReason: undefined,
};

export function loginOf(deviceKey: string, at = NOW, keyId = "k1"): ActivityUpdate {
  return { deviceKey, login: { at, keyId }, failure: undefined };
}

export function failureOf(deviceKey: string, at = NOW, reason = "invalid_credentials"): ActivityUpdate {
  return { deviceKey, login: undefined, failure: { at, reason } };
}

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

/** Decides to change these fields of a row. */
export const changing =
  <Row>(changes: Partial<NoInfer<Row>>, entry = entryOf("Update")) =>
  (current: Row): { next: Row; entry: AuditEntry } => ({ next: { ...current, ...changes }, entry });

export async function addCustomer(store: Store, draft: Partial<Customer> = {}): Promise<void> {
  await store.customers.insert({ ...customer, ...draft }, entryOf("CreateCustomer"));
}

export async function addKey(store: Store, keyId: string, draft: Partial<CustomerSecret> = {}): Promise<void> {
  await store.customerKeys.insert(keyOf(keyId, draft), () => {}, entryOf("IssueCustomerKey"));
}

export async function addDevice(store: Store, draft: Partial<Device> = {}): Promise<void> {
  await store.devices.insert({ ...device, ...draft }, entryOf("CreateDevice"));
}

export async function openWithCustomer(open: Open): Promise<TestDatabase> {
  const opened = await open();
  await addCustomer(opened.store);
  return opened;
}

/** The actions of the audit log, the oldest first. */
export async function actionsOf({ audit }: Store): Promise<readonly string[]> {
  const { items } = await audit.list({ ...FIRST, size: 1_000 });
  return items.map(({ action }) => action).reverse();
}

/** Enrols devices of the customer. @returns their names, in order */
export async function enrolMany(
  store: Store,
  count: number,
  draftOf: (index: number) => Partial<Device> = () => ({}),
): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, index) => `device-${String(index).padStart(5, "0")}`);
  await store.devices.importAll(
    keys.map((deviceKey, index) => ({ ...device, ...draftOf(index), deviceKey })),
    (row) => row,
    () => entryOf("ImportDevices"),
  );
  return keys;
}

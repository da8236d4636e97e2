// Opens a registry over a real store, with a settable clock.

import type { CustomerKeyDraft, IssuedCustomerKey } from "../../../src/core/registry/customer-keys.ts";
import type { DeviceDraft } from "../../../src/core/registry/devices.ts";
import { createRegistry } from "../../../src/core/registry/registry.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { openDatabase } from "../../store/database.ts";

/** A request for the first page of a list. */
export const ALL = { pageSize: 0, pageToken: "", filter: "" } as const;

/** A typical device. */
export const DEVICE: DeviceDraft = { customerId: "acme", deviceKey: "pump-7" };

/** Opens an empty registry. Its clock is in Unix milliseconds and begins at NOW. */
export async function openRegistry() {
  const { store, reopen } = await openDatabase();
  const clock = { now: NOW };
  const registry = createRegistry({ ...store, now: () => clock.now });
  /** The audit log, the oldest event first. */
  async function events() {
    const { items } = await registry.listAuditEvents({ ...ALL, pageSize: 1_000 });
    return items
      .map(({ action, resource, customerId, details }) => ({ action, resource, customerId, details }))
      .reverse();
  }
  return { registry, store, reopen, clock, events };
}

/** Opens a registry that has the customers `acme` and `other`; `issue` makes a login key of acme's unless told otherwise. */
export async function openWithCustomers() {
  const opened = await openRegistry();
  const { customers, customerKeys } = opened.registry;
  for (const customerId of ["acme", "other"]) await customers.create({ customerId }, ACTOR);
  const usual = { customerId: "acme", purpose: "login", importedKey: "" } as const;
  const issue = (draft: Partial<CustomerKeyDraft> = {}): Promise<IssuedCustomerKey> =>
    customerKeys.issue({ ...usual, ...draft }, ACTOR);
  return { ...opened, issue };
}

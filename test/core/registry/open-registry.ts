// A registry over a real store, with a clock that the test sets.

import type { CustomerKeyDraft, IssuedCustomerKey } from "../../../src/core/registry/customer-keys.ts";
import type { DeviceDraft } from "../../../src/core/registry/devices.ts";
import { createRegistry, type Registry } from "../../../src/core/registry/registry.ts";
import type { Store } from "../../../src/store/sql.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { openDatabase } from "../../store/database.ts";

export interface OpenedRegistry {
  readonly registry: Registry;
  readonly store: Store;
  /** Opens the same database with other master keys. */
  reopen(masterKeys: readonly Uint8Array[]): Promise<Store>;
  /** Unix milliseconds; begins at NOW. */
  readonly clock: { now: number };
  /** The audit log, the oldest event first. */
  events(): Promise<readonly { action: string; resource: string; customerId: string; details: unknown }[]>;
}

/** A request for the first page of a list. */
export const ALL = { pageSize: 0, pageToken: "", filter: "" } as const;

export async function openRegistry(): Promise<OpenedRegistry> {
  const { store, reopen } = await openDatabase();
  const clock = { now: NOW };
  const registry = createRegistry({ ...store, now: () => clock.now });
  return {
    registry,
    store,
    reopen,
    clock,
    async events() {
      const { items } = await registry.listAuditEvents({ ...ALL, pageSize: 1_000 });
      return items
        .map(({ action, resource, customerId, details }) => ({ action, resource, customerId, details }))
        .reverse();
    },
  };
}

/** A typical device. */
export const DEVICE: DeviceDraft = { customerId: "acme", deviceKey: "pump-7" };

/** Opens a registry that has the customer of DEVICE. */
export async function openWithCustomer(): Promise<OpenedRegistry> {
  const opened = await openRegistry();
  await addCustomer(opened, "acme");
  return opened;
}

/** Opens a registry that has the customers `acme` and `other`; `issue` makes a login key of acme's unless told otherwise. */
export async function openWithIssuer(): Promise<
  OpenedRegistry & { issue(draft?: Partial<CustomerKeyDraft>): Promise<IssuedCustomerKey> }
> {
  const opened = await openWithCustomer();
  await addCustomer(opened, "other");
  const usual = { customerId: "acme", purpose: "login", importedKey: "" } as const;
  return { ...opened, issue: (draft) => opened.registry.customerKeys.issue({ ...usual, ...draft }, ACTOR) };
}

async function addCustomer({ registry }: OpenedRegistry, customerId: string): Promise<void> {
  await registry.customers.create({ customerId }, ACTOR);
}

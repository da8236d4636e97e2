// The store's contract for single rows and the decoy: CustomerStore, DeviceStore, and names of customer keys.

import { expect, test } from "vitest";
import type { Condition, Device } from "../../src/core/registry/ports.ts";
import type { TestDatabase } from "../store/database.ts";
import {
  actionsOf,
  addCustomer,
  addDevice,
  addKey,
  changing,
  customer,
  device,
  entryOf,
  FIRST,
  loginOf,
  NOW,
  type Open,
  oddDevice,
  openWithCustomer,
  seenOnce,
  UNSEEN,
} from "./store-samples.ts";

export function describeRows(open: Open): void {
  async function openWithAll(): Promise<TestDatabase> {
    const opened = await openWithCustomer(open);
    await addKey(opened.store, "k1");
    await addDevice(opened.store);
    return opened;
  }

  test("another process reads an acknowledged customer unchanged", async () => {
    const { store, reopen } = await open();
    const displayName = 'Ünïcode "&" \\ 漢字 🚰';
    const odd = { ...customer, displayName, status: "disabled", loginLimit: "20/60s" } as const;
    const inserted = await store.customers.insert(odd, entryOf("CreateCustomer"));
    expect(inserted).toEqual({ ...odd, createdAt: NOW, updatedAt: NOW, revision: 1 });
    expect(await (await reopen()).customers.find("customer-1")).toEqual(inserted);
  });

  test.for<Device>([device, oddDevice])(
    "another process reads an acknowledged device unchanged: $deviceKey",
    async (draft) => {
      const { store, reopen } = await openWithCustomer(open);
      const inserted = await store.devices.insert(draft, entryOf("CreateDevice"));
      expect(inserted).toEqual({ ...draft, createdAt: NOW, updatedAt: NOW, revision: 1, ...UNSEEN });
      expect(await (await reopen()).devices.find(draft.deviceKey)).toEqual(inserted);
    },
  );

  test("a row is found by its unique name", async () => {
    const { store } = await openWithAll();
    const { customers, customerKeys, devices } = store;
    for (const name of ["1", "CUSTOMER-1", "DEVICE-1", "K1", "%", "_", ""]) {
      expect([await customers.find(name), await devices.find(name)]).toEqual([undefined, undefined]);
      const error = { reason: "does_not_exist", details: { field: "key_id" } };
      await expect(customerKeys.retire(name, () => undefined)).rejects.toMatchObject(error);
    }
    await addCustomer(store, { customerId: "customer-2" });
    const read = async () => [
      await customers.find("customer-1"),
      await devices.find("device-1"),
      (await customerKeys.secretsOf("customer-1")).map(({ secret }) => String(secret)),
      await actionsOf(store),
    ];
    const before = await read();
    for (const [insert, field] of [
      [() => addCustomer(store, { status: "disabled" }), "customer_id"],
      [() => addDevice(store, { customerId: "customer-2" }), "device_key"],
      [() => addKey(store, "k1", { secret: Buffer.from("another") }), "key_id"],
    ] as const) {
      const message = `this ${field} is taken already. Choose another`;
      await expect(insert()).rejects.toMatchObject({ reason: "already_exists", message, details: { field } });
    }
    expect(await read()).toEqual(before);
  });

  test("a change reads its customer in the same transaction, and changes no other customer", async () => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    const changes = { status: "disabled", loginLimit: "off", tokensNotBefore: NOW + 6 } as const;
    const updated = await store.customers.update("customer-1", (current) => ({
      next: { ...current, ...changes, displayName: `${current.displayName}!` },
      entry: entryOf("UpdateCustomer", { at: NOW + 5 }),
    }));
    const versions = { createdAt: NOW, updatedAt: NOW + 5, revision: 2 };
    expect(updated).toEqual({ customerId: "customer-1", displayName: "One!", ...changes, ...versions });
    expect(await store.customers.find("customer-1")).toEqual(updated);
    expect((await store.customers.find("customer-2"))?.displayName).toBe("One");
  });

  test("every changeable field of a device changes, and no other device does", async () => {
    const { store } = await openWithAll();
    await addDevice(store, { deviceKey: "device-2" });
    await store.activity.record([loginOf("device-1")]);
    const { deviceKey: _, ...changes } = oddDevice;
    const updated = await store.devices.update("device-1", changing(changes, entryOf("Update", { at: NOW + 5 })));
    const versions = { createdAt: NOW, updatedAt: NOW + 5, revision: 2 };
    expect(updated).toEqual({ ...device, ...changes, ...versions, ...UNSEEN, lastLoginAt: NOW, lastKeyId: "k1" });
    expect(await store.devices.find("device-1")).toEqual(updated);
    expect(await store.devices.find("device-2")).toMatchObject({ status: "enabled", revision: 1 });
  });

  test("none of many concurrent changes is lost, and a decision to change nothing writes nothing", async () => {
    const { store, reopen } = await openWithAll();
    const stores = [store, await reopen()];
    const append = <Row extends { readonly displayName: string }>(current: Row) => ({
      next: { ...current, displayName: `${current.displayName}.` },
      entry: entryOf("Update"),
    });
    const changes = stores.flatMap(({ customers, devices }) =>
      Array.from({ length: 10 }, () => [
        customers.update("customer-1", append),
        devices.update("device-1", append),
      ]).flat(),
    );
    await Promise.all(changes);
    const dots = ".".repeat(20);
    const changed = await store.customers.find("customer-1");
    expect(changed).toMatchObject({ displayName: `One${dots}`, revision: 21 });
    const device = await store.devices.find("device-1");
    expect(device).toMatchObject({ displayName: dots, revision: 21 });
    expect(await store.customers.update("customer-1", () => undefined)).toEqual(changed);
    expect(await store.devices.update("device-1", () => undefined)).toEqual(device);
    expect((await actionsOf(store)).slice(3)).toEqual(Array(40).fill("Update"));
  });

  test("a customer is deleted with its keys, and not while it has devices", async () => {
    const { store } = await openWithAll();
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "k2", { customerId: "customer-2" });
    const remove = () => store.customers.delete("customer-1", () => entryOf("DeleteCustomer"));
    const message = "this customer has devices. Delete them first";
    await expect(remove()).rejects.toMatchObject({ reason: "failed_precondition", message });
    expect(await store.customerKeys.list("customer-1")).toHaveLength(1);
    expect(await actionsOf(store)).not.toContain("DeleteCustomer");
    await store.devices.delete("device-1", () => entryOf("DeleteDevice"));
    await remove();
    expect(await store.customers.find("customer-1")).toBeUndefined();
    expect(await store.customerKeys.list("customer-1")).toEqual([]);
    expect(await store.customerKeys.list("customer-2")).toHaveLength(1);
    expect(await store.customers.find("customer-2")).toBeDefined();
    expect((await actionsOf(store)).slice(-2)).toEqual(["DeleteDevice", "DeleteCustomer"]);
  });

  test("a device is never enrolled without its customer, even if the customer is deleted meanwhile", async () => {
    const { store, reopen } = await open();
    const other = await reopen();
    for (let round = 0; round < 10; round++) {
      const customerId = `customer-${round}`;
      await addCustomer(store, { customerId });
      const [deleted, enrolled] = await Promise.allSettled([
        store.customers.delete(customerId, () => entryOf("DeleteCustomer")),
        addDevice(other, { customerId, deviceKey: `device-${round}` }),
      ]);
      expect([deleted.status, enrolled.status].sort()).toEqual(["fulfilled", "rejected"]);
      const failure =
        deleted.status === "rejected" ? deleted.reason : enrolled.status === "rejected" && enrolled.reason;
      expect(failure).toMatchObject({
        reason: deleted.status === "rejected" ? "failed_precondition" : "does_not_exist",
      });
    }
  });

  test("a device is deleted with its activity: a new one of the same name has none, even after a late write", async () => {
    const { store, database } = await openWithAll();
    await addDevice(store, { deviceKey: "device-2" });
    await store.activity.record([loginOf("device-1"), loginOf("device-2")]);
    await store.devices.delete("device-1", () => entryOf("DeleteDevice"));
    expect(await store.devices.find("device-1")).toBeUndefined();
    expect((await store.devices.find("device-2"))?.lastKeyId).toBe("k1");
    const rows = () => database.db.selectFrom("device_activity").select("device_key").execute();
    expect(await rows()).toEqual([{ device_key: "device-2" }]);
    await database.db.insertInto("device_activity").values(seenOnce("device-1")).execute();
    await addDevice(store);
    expect(await store.devices.find("device-1")).toMatchObject({ ...UNSEEN, revision: 1 });
    expect(await rows()).toEqual([{ device_key: "device-2" }]);
  });

  test("the decoy is in no list, and found by no name", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    const lists: readonly (readonly Condition[])[] = [
      [],
      [{ field: "customer_id", operator: "=", value: "" }],
      [{ field: "customer_id", operator: "!=", value: "x" }],
      [{ field: "status", operator: "=", value: "disabled" }],
    ];
    for (const conditions of lists) {
      const { items } = await store.customers.list({ ...FIRST, conditions });
      expect(items.filter(({ customerId }) => customerId === "")).toEqual([]);
      const devices = await store.devices.list({ ...FIRST, conditions });
      expect(devices.items.filter(({ deviceKey }) => deviceKey === "")).toEqual([]);
    }
    expect(await store.customers.find("")).toBeUndefined();
    expect(await store.devices.find("")).toBeUndefined();
    expect(await store.customerKeys.list("")).toEqual([]);
    expect(await store.customerKeys.secretsOf("")).toEqual([]);
  });

  test.for(["", "nobody"])("the name %j cannot be changed, deleted, or given devices or keys", async (name) => {
    const { store } = await openWithCustomer(open);
    const { customers, customerKeys, devices } = store;
    const [status, customerId] = ["enabled", name] as const;
    const customer = "customer_id";
    const attempts: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => customers.update(name, changing({ status })), customer],
      [() => customers.delete(name, () => entryOf("DeleteCustomer")), customer],
      [() => addDevice(store, { customerId }), customer],
      [() => addKey(store, "k1", { customerId }), customer],
      [() => devices.update(name, changing({ status })), "device_key"],
      [() => devices.delete(name, () => entryOf("DeleteDevice")), "device_key"],
      [() => customerKeys.retire(name, () => entryOf("RetireCustomerKey")), "key_id"],
    ];
    for (const [attempt, field] of attempts) {
      const message = expect.stringMatching(`^no (customer|device|customer key) has this ${field}$`);
      await expect(attempt()).rejects.toMatchObject({ reason: "does_not_exist", message, details: { field } });
    }
    expect(await actionsOf(store)).toEqual(["CreateCustomer"]);
    // The login of an unknown device reads the decoy.
    expect(await store.credentials.find("nobody", NOW)).toMatchObject({ enrolled: false, enabled: false });
  });
}

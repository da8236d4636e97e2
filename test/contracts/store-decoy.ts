// The store's contract for missing names and the decoy's empty name: the decoy is never shown or changed.

import { expect, test } from "vitest";
import type { Condition } from "../../src/core/registry/filter.ts";
import { actionsOf, addDevice, addKey, entryOf, FIRST, NOW, type Open, openWithCustomer } from "./store-samples.ts";

export function describeDecoy(open: Open): void {
  test("is in no list, and found by no name", async () => {
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
    expect(await store.customerKeys.find("")).toBeUndefined();
    expect(await store.customerKeys.list("")).toEqual([]);
    expect(await store.customerKeys.secretsOf("")).toEqual([]);
  });

  test.for(["", "nobody"])(
    "the name %j is neither changed nor deleted, and given no devices and keys",
    async (name) => {
      const { store } = await openWithCustomer(open);
      const { customers, customerKeys, devices } = store;
      const [status, customerId] = ["enabled", name] as const;
      const customer = "customer_id";
      const attempts: readonly (readonly [() => Promise<unknown>, string])[] = [
        [() => customers.update(name, (next) => ({ next: { ...next, status }, entry: entryOf("Update") })), customer],
        [() => customers.delete(name, () => entryOf("DeleteCustomer")), customer],
        [() => addDevice(store, { customerId }), customer],
        [() => addKey(store, "k1", { customerId }), customer],
        [() => devices.update(name, (next) => ({ next: { ...next, status }, entry: entryOf("Update") })), "device_key"],
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
    },
  );
}

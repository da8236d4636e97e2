// The part of a store's contract that is about the decoy, whose names are empty: nobody is given it, and nobody changes it.

import { expect, test } from "vitest";
import type { Condition } from "../../src/core/registry/filter.ts";
import { refusalFrom } from "../core/refusal.ts";
import { addDevice, addKey, entryOf, FIRST, NOW, type Open, openWithCustomer } from "./store-samples.ts";

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

  test("is neither changed nor deleted, and given no devices and keys", async () => {
    const { store } = await openWithCustomer(open);
    const attempts = [
      () =>
        store.customers.update("", (next) => ({
          next: { ...next, status: "enabled" },
          entry: entryOf("UpdateCustomer"),
        })),
      () => store.customers.delete("", () => entryOf("DeleteCustomer")),
      () =>
        store.devices.update("", (next) => ({ next: { ...next, status: "enabled" }, entry: entryOf("UpdateDevice") })),
      () => store.devices.delete("", () => entryOf("DeleteDevice")),
      () => store.customerKeys.retire("", () => entryOf("RetireCustomerKey")),
      () => addDevice(store, { customerId: "" }),
      () => addKey(store, "k1", { customerId: "" }),
    ];
    for (const attempt of attempts) expect((await refusalFrom(attempt())).reason).toBe("does_not_exist");
    // A login of a device that is not enrolled looks at it.
    expect(await store.credentials.find("nobody", NOW)).toMatchObject({ enrolled: false, enabled: false });
  });
}

// The part of a store's contract that is about customers: CustomerStore.

import { expect, test } from "vitest";
import { refusalFrom } from "../core/refusal.ts";
import {
  actionsOf,
  addCustomer,
  addDevice,
  addKey,
  customer,
  entryOf,
  NOW,
  type Open,
  openWithCustomer,
} from "./store-samples.ts";

export function describeCustomers(open: Open): void {
  test("another process reads an acknowledged customer unchanged", async () => {
    const { store, reopen } = await open();
    const odd = {
      ...customer,
      displayName: 'Ünïcode "&" \\ 漢字 🚰',
      status: "disabled",
      loginLimit: "20/60s",
    } as const;
    const inserted = await store.customers.insert(odd, entryOf("CreateCustomer"));
    expect(inserted).toEqual({ ...odd, createdAt: NOW, updatedAt: NOW, revision: 1 });
    expect(await (await reopen()).customers.find("customer-1")).toEqual(inserted);
  });

  test("finds none by another name", async () => {
    const { store } = await openWithCustomer(open);
    for (const name of ["customer-2", "CUSTOMER-1", "%", ""]) expect(await store.customers.find(name)).toBeUndefined();
  });

  test("refuses a customer_id that is taken, and leaves who has it as it was", async () => {
    const { store } = await openWithCustomer(open);
    const refusal = await refusalFrom(
      store.customers.insert({ ...customer, status: "disabled" }, entryOf("CreateCustomer")),
    );
    expect(refusal.reason).toBe("already_exists");
    expect(refusal.message).toBe("this customer_id is taken already. Choose another");
    expect(refusal.details).toEqual({ field: "customer_id" });
    expect((await store.customers.find("customer-1"))?.status).toBe("enabled");
    expect(await actionsOf(store)).toEqual(["CreateCustomer"]);
  });

  test("changes one by what it is in the transaction, and no other", async () => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    const entry = entryOf("UpdateCustomer", { at: NOW + 5 });
    const updated = await store.customers.update("customer-1", (current) => ({
      next: {
        ...current,
        displayName: `${current.displayName}!`,
        status: "disabled",
        loginLimit: "off",
        tokensNotBefore: NOW + 6,
      },
      entry,
    }));
    expect(updated).toEqual({
      customerId: "customer-1",
      displayName: "One!",
      status: "disabled",
      loginLimit: "off",
      tokensNotBefore: NOW + 6,
      createdAt: NOW,
      updatedAt: NOW + 5,
      revision: 2,
    });
    expect(await store.customers.find("customer-1")).toEqual(updated);
    expect((await store.customers.find("customer-2"))?.displayName).toBe("One");
  });

  test("loses none of many changes at once", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const other = await reopen();
    await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        (place % 2 ? store : other).customers.update("customer-1", (current) => ({
          next: { ...current, displayName: `${current.displayName}.` },
          entry: entryOf("UpdateCustomer"),
        })),
      ),
    );
    expect(await store.customers.find("customer-1")).toMatchObject({
      displayName: `One${".".repeat(20)}`,
      revision: 21,
    });
    expect(await actionsOf(store)).toHaveLength(21);
  });

  test("writes nothing where there is nothing to change", async () => {
    const { store } = await openWithCustomer(open);
    const before = await store.customers.find("customer-1");
    expect(await store.customers.update("customer-1", () => undefined)).toEqual(before);
    expect(await actionsOf(store)).toEqual(["CreateCustomer"]);
  });

  test("deletes one and its keys, and keeps the others'", async () => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "k1");
    await addKey(store, "k2", { customerId: "customer-2" });
    await store.customers.delete("customer-1", (current) =>
      entryOf("DeleteCustomer", { details: { was: current.displayName } }),
    );
    expect(await store.customers.find("customer-1")).toBeUndefined();
    expect(await store.customerKeys.find("k1")).toBeUndefined();
    expect(await store.customerKeys.find("k2")).toBeDefined();
    expect(await store.customers.find("customer-2")).toBeDefined();
    expect((await actionsOf(store)).at(-1)).toBe("DeleteCustomer");
  });

  test("deletes none that has devices", async () => {
    const { store } = await openWithCustomer(open);
    await addKey(store, "k1");
    await addDevice(store);
    const refusal = await refusalFrom(store.customers.delete("customer-1", () => entryOf("DeleteCustomer")));
    expect(refusal.reason).toBe("failed_precondition");
    expect(refusal.message).toBe("this customer has devices. Delete them first");
    expect(await store.customerKeys.find("k1")).toBeDefined();
    expect(await actionsOf(store)).not.toContain("DeleteCustomer");
  });

  test("a device that is enrolled while its customer is deleted either keeps it or is refused", async () => {
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
      const loser = deleted.status === "rejected" ? deleted.reason : enrolled.status === "rejected" && enrolled.reason;
      expect(loser).toMatchObject({ reason: deleted.status === "rejected" ? "failed_precondition" : "does_not_exist" });
    }
  });
}

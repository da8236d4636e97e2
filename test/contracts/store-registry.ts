// The part of a store's contract that is about enrolling: RegistryStore.

import { expect, test } from "vitest";
import { refusalFrom } from "../core/refusal.ts";
import { customer, device, keyOf, NOW, type OpenedStore, secretsOf } from "./store-samples.ts";

export function describeRegistry(open: () => Promise<OpenedStore>): void {
  async function openWithCustomer(): Promise<OpenedStore> {
    const opened = await open();
    await opened.store.insertCustomer(customer, NOW);
    return opened;
  }

  test("what is acknowledged is there for another process", async () => {
    const { store, reopen } = await openWithCustomer();
    await store.insertCustomerKey(keyOf("k1"));
    await store.insertDevice(device, NOW);
    const other = await reopen();
    expect(secretsOf(await other.find("device-1", NOW))).toEqual(["secret of k1"]);
  });

  test("refuses a device_key that is taken, and leaves its owner as it was", async () => {
    const { store } = await openWithCustomer();
    await store.insertCustomer({ ...customer, customerId: "customer-2" }, NOW);
    await store.insertDevice(device, NOW);
    const refusal = await refusalFrom(store.insertDevice({ ...device, customerId: "customer-2" }, NOW));
    expect(refusal.reason).toBe("already_exists");
    expect(refusal.message).toBe("this device_key is taken already. Choose another");
    expect(refusal.particulars).toEqual({ field: "device_key" });
    expect((await store.find("device-1", NOW))?.customerId).toBe("customer-1");
  });

  test("refuses a customer_id that is taken", async () => {
    const { store } = await openWithCustomer();
    const refusal = await refusalFrom(store.insertCustomer({ ...customer, status: "disabled" }, NOW));
    expect(refusal.reason).toBe("already_exists");
    expect(refusal.message).toBe("this customer_id is taken already. Choose another");
    expect(refusal.particulars).toEqual({ field: "customer_id" });
    await store.insertDevice(device, NOW);
    expect((await store.find("device-1", NOW))?.enabled).toBe(true);
  });

  test("refuses a key_id that is taken", async () => {
    const { store } = await openWithCustomer();
    await store.insertCustomerKey(keyOf("k1"));
    const refusal = await refusalFrom(store.insertCustomerKey(keyOf("k1", { secret: Buffer.from("another") })));
    expect(refusal.reason).toBe("already_exists");
    expect(refusal.message).toBe("this key_id is taken already. Choose another");
    expect(refusal.particulars).toEqual({ field: "key_id" });
    await store.insertDevice(device, NOW);
    expect(secretsOf(await store.find("device-1", NOW))).toEqual(["secret of k1"]);
  });

  test("refuses a device or key of a customer that is not there", async () => {
    const { store } = await open();
    for (const insert of [store.insertDevice(device, NOW), store.insertCustomerKey(keyOf("k1"))]) {
      const refusal = await refusalFrom(insert);
      expect(refusal.reason).toBe("does_not_exist");
      expect(refusal.message).toBe("no customer has this customer_id");
      expect(refusal.particulars).toEqual({ field: "customer_id" });
    }
    expect(await store.find("device-1", NOW)).toBeUndefined();
  });

  test("refuses a fourth live key of a purpose, and counts purposes apart", async () => {
    const { store } = await openWithCustomer();
    for (const keyId of ["k1", "k2", "k3"]) await store.insertCustomerKey(keyOf(keyId));
    const refusal = await refusalFrom(store.insertCustomerKey(keyOf("k4")));
    expect(refusal.reason).toBe("failed_precondition");
    expect(refusal.message).toBe("this customer has 3 live keys for login already. Retire one first");
    await store.insertCustomerKey(keyOf("d1", { purpose: "derivation" }));
    await store.insertDevice(device, NOW);
    expect((await store.find("device-1", NOW))?.keys).toHaveLength(3);
  });

  test("lets three of many concurrent keys in", async () => {
    const { store } = await openWithCustomer();
    const inserts = Array.from({ length: 10 }, (_, place) =>
      store.insertCustomerKey(keyOf(`k${place}`)).then(
        () => "in",
        () => "refused",
      ),
    );
    expect((await Promise.all(inserts)).filter((outcome) => outcome === "in")).toHaveLength(3);
  });
}

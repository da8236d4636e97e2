// The store's contract for single rows, the decoy and failed changes.

import { expect, test } from "vitest";
import type { AuditEntry, Condition } from "../../src/core/registry/ports.ts";
import type { Store } from "../../src/store/sql.ts";
import { caughtErrorOf } from "../core/caught-error.ts";
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
  keyOf,
  loginOf,
  NOW,
  type Open,
  oddCustomer,
  oddDevice,
  openWithCustomer,
  UNSEEN,
} from "./store-samples.ts";
import { change, keyNamed, TOKEN } from "./store-tokens.ts";

/** Opens a store with a customer, a key and a device. */
async function openWithAll(open: Open): Promise<TestDatabase> {
  const opened = await openWithCustomer(open);
  await addKey(opened.store, "k1");
  await addDevice(opened.store);
  return opened;
}

/** An audit entry that cannot be written, so that its transaction fails. */
function brokenEntry(): AuditEntry {
  const details: AuditEntry["details"] = Object.defineProperty({}, "broken", {
    enumerable: true,
    get: () => {
      throw new Error("this entry cannot be written");
    },
  });
  return entryOf("Broken", { details });
}

/** Every change, with an entry that cannot be written. */
const CHANGES = ({ customers, customerKeys, devices, fleet, operators, revokedTokens, signingKeys }: Store) => [
  () => customers.insert({ ...customer, customerId: "customer-2" }, brokenEntry()),
  () => customers.update("customer-1", changing({ displayName: "Two" }, brokenEntry())),
  () => customers.delete("customer-3", brokenEntry),
  () => customerKeys.insert(keyOf("k2"), () => {}, brokenEntry()),
  () => customerKeys.retire("k1", brokenEntry),
  () => devices.insert({ ...device, deviceKey: "device-2" }, brokenEntry()),
  () => devices.update("device-1", changing({ displayName: "Two" }, brokenEntry())),
  () => devices.delete("device-1", brokenEntry),
  () => fleet.change(["device-1"], changing({ displayName: "Two" }, brokenEntry())),
  () => operators.insert({ ...TOKEN, tokenId: "1" }, "hash-1", brokenEntry()),
  () => operators.revoke(TOKEN.tokenId, brokenEntry()),
  () => devices.importAll([device], () => ({ ...device, displayName: "Two" }), brokenEntry),
  () => revokedTokens.insert({ jti: "t-1", expiresAt: NOW }, brokenEntry()),
  () => signingKeys.change(() => change({ put: [keyNamed("b")], entries: [brokenEntry()] })),
];

export function describeRows(open: Open): void {
  test("another process reads each field of a customer and of a device, new or changed, and no other row changes", async () => {
    const { store, reopen } = await open();
    const { customers, devices } = store;
    await addCustomer(store, { customerId: "customer-2" });
    await addDevice(store, { deviceKey: "device-2", customerId: "customer-2" });
    const other = await reopen();
    const { deviceKey } = oddDevice;
    const read = async () => [await other.customers.find("customer-1"), await other.devices.find(deviceKey)];
    const readOthers = async () => [await other.customers.find("customer-2"), await other.devices.find("device-2")];
    const before = await readOthers();

    const made = [
      await customers.insert(oddCustomer, entryOf("Create")),
      await devices.insert(oddDevice, entryOf("Create")),
    ];
    const created = { createdAt: NOW, updatedAt: NOW, revision: 1 };
    expect(made).toEqual([
      { ...oddCustomer, ...created },
      { ...oddDevice, ...created, ...UNSEEN },
    ]);
    expect(await read()).toEqual(made);

    await store.activity.record([loginOf(deviceKey)]);
    const plain = { ...device, deviceKey };
    const entry = entryOf("Update", { at: NOW + 5 });
    const changed = [
      await customers.update("customer-1", changing(customer, entry)),
      await devices.update(deviceKey, changing(plain, entry)),
    ];
    const updated = { createdAt: NOW, updatedAt: NOW + 5, revision: 2 };
    expect(changed).toEqual([
      { ...customer, ...updated },
      { ...plain, ...updated, ...UNSEEN, lastLoginAt: NOW, lastKeyId: "k1" },
    ]);
    expect(await read()).toEqual(changed);
    expect(await readOthers()).toEqual(before);
  });

  test("a row is found by its exact name, which no other row may have", async () => {
    const { store } = await openWithAll(open);
    const { customers, customerKeys, devices } = store;
    for (const name of ["1", "CUSTOMER-1", "DEVICE-1", "K1", "%", "_"]) {
      expect([await customers.find(name), await devices.find(name)]).toEqual([undefined, undefined]);
      const error = { reason: "does_not_exist", details: { field: "key_id" } };
      await expect(customerKeys.retire(name, () => undefined)).rejects.toMatchObject(error);
    }
    await addCustomer(store, { customerId: "customer-2" });
    for (const [insert, field] of [
      [() => addCustomer(store, { status: "disabled" }), "customer_id"],
      [() => addDevice(store, { customerId: "customer-2" }), "device_key"],
      [() => addKey(store, "k1", { secret: Buffer.from("another") }), "key_id"],
    ] as const) {
      const message = `this ${field} is taken already. Choose another`;
      await expect(insert()).rejects.toMatchObject({ reason: "already_exists", message, details: { field } });
    }
  });

  test("none of many concurrent changes is lost", async () => {
    const { store, reopen } = await openWithAll(open);
    const stores = [store, await reopen()];
    const append = <Row extends { readonly displayName: string }>(current: Row) => ({
      next: { ...current, displayName: `${current.displayName}.` },
      entry: entryOf("Update"),
    });
    const rounds = Array.from({ length: 10 }, () => stores).flat();
    await Promise.all(
      rounds.flatMap(({ customers, devices }) => [
        customers.update("customer-1", append),
        devices.update("device-1", append),
      ]),
    );
    const dots = ".".repeat(20);
    expect(await store.customers.find("customer-1")).toMatchObject({ displayName: `One${dots}`, revision: 21 });
    expect(await store.devices.find("device-1")).toMatchObject({ displayName: dots, revision: 21 });
    expect((await actionsOf(store)).slice(3)).toEqual(Array(40).fill("Update"));
  });

  test("a customer is deleted with its keys, and not while it has devices", async () => {
    const { store } = await openWithAll(open);
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "k2", { customerId: "customer-2" });
    const remove = () => store.customers.delete("customer-1", () => entryOf("DeleteCustomer"));
    const message = "this customer has devices. Delete them first";
    await expect(remove()).rejects.toMatchObject({ reason: "failed_precondition", message });
    expect(await store.customerKeys.list("customer-1")).toHaveLength(1);
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
      const outcomes = await Promise.allSettled([
        store.customers.delete(customerId, () => entryOf("DeleteCustomer")),
        addDevice(other, { customerId, deviceKey: `device-${round}` }),
      ]);
      const reasons = outcomes.map((outcome) => (outcome.status === "rejected" ? outcome.reason.reason : "done"));
      expect([
        ["done", "does_not_exist"],
        ["failed_precondition", "done"],
      ]).toContainEqual(reasons);
    }
  });

  test("a device is deleted with its activity: a new one of the same name has none, even after a late write", async () => {
    const { store, database } = await openWithAll(open);
    await addDevice(store, { deviceKey: "device-2" });
    await store.activity.record([loginOf("device-1"), loginOf("device-2")]);
    await store.devices.delete("device-1", () => entryOf("DeleteDevice"));
    expect(await store.devices.find("device-1")).toBeUndefined();
    expect((await store.devices.find("device-2"))?.lastKeyId).toBe("k1");
    const rows = () => database.db.selectFrom("device_activity").select("device_key").execute();
    expect(await rows()).toEqual([{ device_key: "device-2" }]);
    await database.db.insertInto("device_activity").values({ device_key: "device-1", last_login_at: NOW }).execute();
    await addDevice(store);
    expect(await store.devices.find("device-1")).toMatchObject({ ...UNSEEN, revision: 1 });
    expect(await rows()).toEqual([{ device_key: "device-2" }]);
  });

  test("the decoy is in no list, and cannot be found, changed, deleted, or given devices or keys", async () => {
    const { store } = await openWithAll(open);
    const { customers, customerKeys, devices } = store;
    const before = await actionsOf(store);
    const lists: readonly (readonly Condition[])[] = [
      [],
      [{ field: "customer_id", operator: "=", value: "" }],
      [{ field: "customer_id", operator: "!=", value: "x" }],
      [{ field: "status", operator: "=", value: "disabled" }],
    ];
    for (const conditions of lists) {
      const ids = (await customers.list({ ...FIRST, conditions })).items.map(({ customerId }) => customerId);
      const keys = (await devices.list({ ...FIRST, conditions })).items.map(({ deviceKey }) => deviceKey);
      expect([...ids, ...keys]).not.toContain("");
    }
    expect([await customers.find(""), await devices.find("")]).toEqual([undefined, undefined]);
    expect([await customerKeys.list(""), await customerKeys.secretsOf("")]).toEqual([[], []]);
    const attempts: readonly (readonly [() => Promise<unknown>, string])[] = [
      [() => customers.update("", changing({ status: "enabled" })), "customer_id"],
      [() => customers.delete("", () => entryOf("DeleteCustomer")), "customer_id"],
      [() => addDevice(store, { deviceKey: "device-2", customerId: "" }), "customer_id"],
      [() => addKey(store, "k2", { customerId: "" }), "customer_id"],
      [() => devices.update("", changing({ status: "enabled" })), "device_key"],
      [() => devices.delete("", () => entryOf("DeleteDevice")), "device_key"],
      [() => customerKeys.retire("", () => entryOf("RetireCustomerKey")), "key_id"],
    ];
    for (const [attempt, field] of attempts) {
      const message = expect.stringMatching(`^no (customer|device|customer key) has this ${field}$`);
      await expect(attempt()).rejects.toMatchObject({ reason: "does_not_exist", message, details: { field } });
    }
    expect(await actionsOf(store)).toEqual(before);
    // The login of an unknown device reads the decoy.
    expect(await store.credentials.find("nobody", NOW)).toMatchObject({ enrolled: false, enabled: false });
  });

  test("a change is made with its audit entry or not at all", async () => {
    const { store } = await openWithAll(open);
    await addCustomer(store, { customerId: "customer-3" });
    await store.operators.insert(TOKEN, "hash", entryOf("IssueOperatorToken"));
    const read = async (): Promise<unknown> => [
      await store.customers.list(FIRST),
      await store.customerKeys.list("customer-1"),
      await store.devices.list(FIRST),
      await store.credentials.findStanding("device-1", "t-1"),
      (await store.signingKeys.read()).keys,
      await store.operators.list(),
      await actionsOf(store),
    ];
    const before = await read();
    for (const make of CHANGES(store)) await expect(make()).rejects.toThrow("this entry cannot be written");
    expect(await read()).toEqual(before);
  });

  test("a call is unavailable when the database cannot be reached", async () => {
    const { store, close } = await openWithAll(open);
    await close();
    const { audit, credentials, customers, signingKeys } = store;
    for (const call of [
      () => credentials.find("device-1", NOW),
      () => credentials.findStanding("device-1", "t-1"),
      () => customers.find("customer-1"),
      () => addDevice(store, { deviceKey: "device-2" }),
      () => audit.list(FIRST),
      () => signingKeys.read(),
    ]) {
      const error = await caughtErrorOf(call());
      const message = "the registry cannot be reached now. Try again later";
      expect(error).toMatchObject({ reason: "unavailable", message });
      // Random between one and two times the least wait.
      expect(error.details.retryAfterMs).toBeGreaterThanOrEqual(5_000);
      expect(error.details.retryAfterMs).toBeLessThan(10_000);
    }
  });
}

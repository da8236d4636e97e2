// The part of a store's contract that is about single devices: DeviceStore, but for lists and imports.

import { expect, test } from "vitest";
import type { Device } from "../../src/core/registry/ports.ts";
import { refusalFrom } from "../core/refusal.ts";
import {
  actionsOf,
  addCustomer,
  addDevice,
  device,
  entryOf,
  NOW,
  type Open,
  oddDevice,
  openWithCustomer,
  seenOnce,
} from "./store-samples.ts";

const UNSEEN = {
  lastLoginAt: undefined,
  lastKeyId: undefined,
  lastFailureAt: undefined,
  lastFailureReason: undefined,
};

export function describeDevices(open: Open): void {
  test.for<Device>([device, oddDevice])(
    "what is acknowledged is there for another process, as it was given: $deviceKey",
    async (draft) => {
      const { store, reopen } = await openWithCustomer(open);
      const inserted = await store.devices.insert(draft, entryOf("CreateDevice"));
      expect(inserted).toEqual({ ...draft, createdAt: NOW, updatedAt: NOW, revision: 1, ...UNSEEN });
      expect(await (await reopen()).devices.find(draft.deviceKey)).toEqual(inserted);
    },
  );

  test("finds none by another name", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    for (const name of ["device-2", "DEVICE-1", "%", ""]) expect(await store.devices.find(name)).toBeUndefined();
  });

  test("refuses a device_key that is taken, and leaves its owner as it was", async () => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    await addDevice(store);
    const refusal = await refusalFrom(addDevice(store, { customerId: "customer-2" }));
    expect(refusal.reason).toBe("already_exists");
    expect(refusal.message).toBe("this device_key is taken already. Choose another");
    expect(refusal.details).toEqual({ field: "device_key" });
    expect((await store.devices.find("device-1"))?.customerId).toBe("customer-1");
  });

  test("changes all that may change, by what it is in the transaction, and no other device", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    await addDevice(store, { deviceKey: "device-2" });
    await store.activity.record([{ deviceKey: "device-1", login: { at: NOW, keyId: "k1" }, failure: undefined }]);
    const { deviceKey: _, ...changes } = oddDevice;
    const updated = await store.devices.update("device-1", (current) => ({
      next: { ...current, ...changes },
      entry: entryOf("UpdateDevice", { at: NOW + 5 }),
    }));
    expect(updated).toEqual({
      ...device,
      ...changes,
      createdAt: NOW,
      updatedAt: NOW + 5,
      revision: 2,
      ...UNSEEN,
      lastLoginAt: NOW,
      lastKeyId: "k1",
    });
    expect(await store.devices.find("device-1")).toEqual(updated);
    expect(await store.devices.find("device-2")).toMatchObject({ status: "enabled", revision: 1 });
  });

  test("loses none of many changes at once", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const other = await reopen();
    await addDevice(store);
    await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        (place % 2 ? store : other).devices.update("device-1", (current) => ({
          next: { ...current, displayName: `${current.displayName}.` },
          entry: entryOf("UpdateDevice"),
        })),
      ),
    );
    expect(await store.devices.find("device-1")).toMatchObject({ displayName: ".".repeat(20), revision: 21 });
  });

  test("writes nothing where there is nothing to change", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    const before = await store.devices.find("device-1");
    expect(await store.devices.update("device-1", () => undefined)).toEqual(before);
    expect(await actionsOf(store)).toEqual(["CreateCustomer", "CreateDevice"]);
  });

  test("one that is new has no activity of a former one, which was seen after it was deleted", async () => {
    const { store, database } = await openWithCustomer(open);
    await database.db.insertInto("device_activity").values(seenOnce("device-1")).execute();
    await addDevice(store);
    expect(await store.devices.find("device-1")).toMatchObject({ lastLoginAt: undefined, lastKeyId: undefined });
    expect(await database.db.selectFrom("device_activity").selectAll().execute()).toEqual([]);
  });

  test("deletes one with what was seen of it, so that one of the same name starts anew", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    await addDevice(store, { deviceKey: "device-2" });
    const login = { at: NOW, keyId: "k1" };
    await store.activity.record(
      ["device-1", "device-2"].map((deviceKey) => ({ deviceKey, login, failure: undefined })),
    );
    await store.devices.delete("device-1", () => entryOf("DeleteDevice"));
    expect(await store.devices.find("device-1")).toBeUndefined();
    expect((await store.devices.find("device-2"))?.lastKeyId).toBe("k1");
    await addDevice(store);
    expect(await store.devices.find("device-1")).toMatchObject({ ...UNSEEN, revision: 1 });
    expect((await actionsOf(store)).slice(-2)).toEqual(["DeleteDevice", "CreateDevice"]);
  });
}

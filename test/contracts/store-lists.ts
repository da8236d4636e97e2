// The store's contract for lists of devices and customers: pages and filters.

import { expect, test } from "vitest";
import { DEVICE_KIND } from "../../src/core/registry/devices.ts";
import type { Condition } from "../../src/core/registry/ports.ts";
import {
  addCustomer,
  addDevice,
  changing,
  customer,
  device,
  enrolMany,
  entryOf,
  FIRST,
  failureOf,
  loginOf,
  NOW,
  type Open,
  oddDevice,
  openWithCustomer,
  walk,
} from "./store-samples.ts";

const is = (field: string, value: Condition["value"]): Condition => ({ field, operator: "=", value });

export function describeLists(open: Open): void {
  test("lists every device once, in order, and no page after the last", async () => {
    const { store } = await openWithCustomer(open);
    const keys = await enrolMany(store, 10);
    for (const size of [1, 3, 5, 10, 1_000]) {
      const walked = await walk(store.devices.list, { size, conditions: [] });
      expect(walked.items.map(({ deviceKey }) => deviceKey)).toEqual(keys);
      expect(walked.pages).toBe(Math.ceil(10 / size));
    }
  });

  test("continues after a device that was deleted meanwhile", async () => {
    const { store } = await openWithCustomer(open);
    const keys = await enrolMany(store, 4);
    const { next = "" } = await store.devices.list({ ...FIRST, size: 2 });
    for (const key of keys.slice(0, 3)) await store.devices.delete(key, () => entryOf("DeleteDevice"));
    const { items } = await store.devices.list({ ...FIRST, after: next });
    expect(items.map(({ deviceKey }) => deviceKey)).toEqual(keys.slice(3));
  });

  test("reads a bounded number of rows for a page: a rare match comes after empty pages", async () => {
    const { store } = await openWithCustomer(open);
    const keys = await enrolMany(store, 4_500);
    for (const key of [keys[1] ?? "", keys[4_400] ?? ""]) {
      await store.devices.update(key, changing({ status: "disabled" }));
    }
    const conditions = [is("status", "disabled")];
    const first = await store.devices.list({ ...FIRST, conditions });
    expect(first.items.map(({ deviceKey }) => deviceKey)).toEqual([keys[1]]);
    const second = await store.devices.list({ ...FIRST, conditions, after: first.next ?? "" });
    expect(second.items).toEqual([]);
    const third = await store.devices.list({ ...FIRST, conditions, after: second.next ?? "" });
    expect(third.items.map(({ deviceKey }) => deviceKey)).toEqual([keys[4_400]]);
    expect(third.next).toBeUndefined();
    const named = [is("device_key", keys[4_400] ?? ""), ...conditions];
    expect(await store.devices.list({ ...FIRST, conditions: named })).toEqual(third);
  });

  test("finds the devices of one customer among many of another in one page", async () => {
    const { store } = await openWithCustomer(open);
    await enrolMany(store, 2_500);
    await addCustomer(store, { customerId: "customer-2" });
    await addDevice(store, { deviceKey: "z", customerId: "customer-2", status: "disabled" });
    const conditions = [is("customer_id", "customer-2")];
    const found = await store.devices.list({ ...FIRST, conditions });
    expect(found.items.map(({ deviceKey }) => deviceKey)).toEqual(["z"]);
    expect(found.next).toBeUndefined();
    const narrow = [...conditions, is("status", "disabled")];
    expect(await store.devices.list({ ...FIRST, conditions: narrow })).toEqual(found);
    const both = [...conditions, is("customer_id", "customer-1")];
    expect((await walk(store.devices.list, { size: 10, conditions: both })).items).toEqual([]);
  });

  test("compares each field of a device", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store, { deviceKey: "a" });
    const labels = { "site.a-b_c": "x", site: "y" };
    await store.devices.insert(
      { ...oddDevice, deviceKey: "b", displayName: 'It\'s "B"', labels },
      entryOf("CreateDevice", { at: NOW + 10 }),
    );
    const { failure } = failureOf("b", NOW + 30, "replayed");
    await store.activity.record([{ ...loginOf("b", NOW + 20), failure }]);
    const matching = async (condition: Condition): Promise<string> =>
      (await store.devices.list({ ...FIRST, conditions: [condition] })).items
        .map(({ deviceKey }) => deviceKey)
        .join("");

    const b: Readonly<Record<string, Condition["value"]>> = {
      device_key: "b",
      display_name: 'It\'s "B"',
      status: "disabled",
      key_mode: "derived",
      shared_identity: true,
      replay_guard: true,
      accepts_shared_key: true,
      last_key_id: "k1",
      last_failure_reason: "replayed",
      "labels.site": "y",
      "labels.site.a-b_c": "x",
    };
    for (const [field, value] of Object.entries(b)) {
      expect([field, await matching({ field, operator: "=", value })]).toEqual([field, "b"]);
      expect([field, await matching({ field, operator: "!=", value })]).toEqual([field, "a"]);
    }
    // The test below compares times. The tests of the fleet (store-fleet.ts) compare `failing`.
    const others = ["create_time", "last_login_time", "last_failure_time", "last_seen_time", "failing", "customer_id"];
    const compared = [...Object.keys(b).map((field) => field.replace(/^labels\..*/, "labels")), ...others];
    expect(Object.keys(DEVICE_KIND.fields).filter((field) => !compared.includes(field))).toEqual([]);
    // A missing value is compared as empty.
    for (const field of ["last_key_id", "last_failure_reason", "labels.site", "display_name"]) {
      expect(await matching({ field, operator: "=", value: "" })).toBe("a");
    }
    expect(await matching(is("labels.none", ""))).toBe("ab");
    expect(await matching(is("customer_id", "customer-1"))).toBe("ab");
    expect(await matching({ field: "customer_id", operator: "!=", value: "customer-1" })).toBe("");
  });

  test("compares times, and a missing time matches no comparison", async () => {
    const { store } = await openWithCustomer(open);
    for (const [index, deviceKey] of ["a", "b", "c"].entries()) {
      const at = NOW + index;
      await store.devices.insert({ ...device, deviceKey }, entryOf("CreateDevice", { at }));
      const { failure } = failureOf(deviceKey, at);
      if (index > 0) await store.activity.record([{ ...loginOf(deviceKey, at), failure }]);
    }
    const matching = async (field: string, operator: Condition["operator"]): Promise<string> =>
      (await store.devices.list({ ...FIRST, conditions: [{ field, operator, value: NOW + 1 }] })).items
        .map(({ deviceKey }) => deviceKey)
        .join("");
    for (const [operator, created, seen] of [
      ["=", "b", "b"],
      ["!=", "ac", "c"],
      ["<", "a", ""],
      ["<=", "ab", "b"],
      [">", "c", "c"],
      [">=", "bc", "bc"],
    ] as const) {
      expect(await matching("create_time", operator)).toBe(created);
      expect(await matching("last_login_time", operator)).toBe(seen);
      expect(await matching("last_failure_time", operator)).toBe(seen);
    }
  });

  test("a value is never read as SQL", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    for (const value of ["' or 1=1 --", '" or "1"="1', "%", "_", "\\", "x'; drop table devices; --"]) {
      for (const field of ["display_name", "device_key", "customer_id", "labels.site"]) {
        const { items } = await store.devices.list({ ...FIRST, conditions: [is(field, value)] });
        expect(items).toEqual([]);
      }
    }
    expect(await store.devices.find("device-1")).toBeDefined();
  });

  test("refuses a field that the list does not have", async () => {
    const { store } = await openWithCustomer(open);
    const conditions = [is("sealed_secret", "x")];
    await expect(store.devices.list({ ...FIRST, conditions })).rejects.toThrow(RangeError);
    await expect(store.customers.list({ ...FIRST, conditions })).rejects.toThrow(RangeError);
    await expect(store.audit.list({ ...FIRST, conditions })).rejects.toThrow(RangeError);
  });

  test("lists customers by name, page after page, and compares their fields", async () => {
    const { store } = await open();
    const names = ["a", "b", "c", "d", "e"];
    for (const [index, customerId] of [...names.entries()].reverse()) {
      await store.customers.insert(
        { ...customer, customerId, displayName: `Name ${customerId}`, status: index % 2 ? "disabled" : "enabled" },
        entryOf("CreateCustomer", { at: NOW + index }),
      );
    }
    const matching = async (...conditions: readonly Condition[]): Promise<string> =>
      (await walk(store.customers.list, { size: 2, conditions })).items.map(({ customerId }) => customerId).join("");
    expect(await matching()).toBe("abcde");
    expect(await matching(is("customer_id", "c"))).toBe("c");
    expect(await matching({ field: "customer_id", operator: "!=", value: "c" })).toBe("abde");
    expect(await matching(is("display_name", "Name d"))).toBe("d");
    expect(await matching(is("status", "disabled"))).toBe("bd");
    expect(await matching({ field: "create_time", operator: ">=", value: NOW + 3 })).toBe("de");
    expect(await matching(is("status", "disabled"), { field: "create_time", operator: ">", value: NOW + 1 })).toBe("d");
  });
}

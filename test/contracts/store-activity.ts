// The part of a store's contract that is about what was last seen of devices: ActivityStore.

import { expect, test } from "vitest";
import type { Activity, Sighting } from "../../src/core/registry/ports.ts";
import type { Store } from "../../src/store/sql.ts";
import { actionsOf, addDevice, NOW, type Open, type OpenedStore, openWithCustomer } from "./store-samples.ts";

const NEVER: Activity = {
  lastLoginAt: undefined,
  lastKeyId: undefined,
  lastFailureAt: undefined,
  lastFailureReason: undefined,
};

function loginOf(deviceKey: string, at: number, keyId = "k1"): Sighting {
  return { deviceKey, login: { at, keyId }, failure: undefined };
}

function failureOf(deviceKey: string, at: number, reason = "invalid_credentials"): Sighting {
  return { deviceKey, login: undefined, failure: { at, reason } };
}

async function activityOf(store: Store, deviceKey = "device-1"): Promise<Activity | undefined> {
  const device = await store.devices.find(deviceKey);
  if (device === undefined) return undefined;
  const { lastLoginAt, lastKeyId, lastFailureAt, lastFailureReason } = device;
  return { lastLoginAt, lastKeyId, lastFailureAt, lastFailureReason };
}

export function describeActivity(open: Open): void {
  async function openWithDevices(...names: readonly string[]): Promise<OpenedStore> {
    const opened = await openWithCustomer(open);
    for (const deviceKey of names) await addDevice(opened.store, { deviceKey });
    return opened;
  }

  test("logins and failures are kept side by side, each the latest", async () => {
    const { store } = await openWithDevices("device-1", "device-2");
    await store.activity.record([loginOf("device-1", NOW), failureOf("device-2", NOW)]);
    await store.activity.record([failureOf("device-1", NOW + 1, "clock_skew"), loginOf("device-2", NOW + 2, "k2")]);
    expect(await activityOf(store)).toEqual({
      lastLoginAt: NOW,
      lastKeyId: "k1",
      lastFailureAt: NOW + 1,
      lastFailureReason: "clock_skew",
    });
    expect(await activityOf(store, "device-2")).toEqual({
      lastLoginAt: NOW + 2,
      lastKeyId: "k2",
      lastFailureAt: NOW,
      lastFailureReason: "invalid_credentials",
    });
  });

  test("an older login that another gateway saw changes nothing", async () => {
    const { store } = await openWithDevices("device-1");
    await store.activity.record([
      { ...loginOf("device-1", NOW + 5, "k2"), failure: { at: NOW + 5, reason: "disabled" } },
    ]);
    await store.activity.record([{ ...loginOf("device-1", NOW), failure: { at: NOW, reason: "replayed" } }]);
    expect(await activityOf(store)).toEqual({
      lastLoginAt: NOW + 5,
      lastKeyId: "k2",
      lastFailureAt: NOW + 5,
      lastFailureReason: "disabled",
    });
  });

  test("a login at a gateway whose clock is days ahead hides no later one", async () => {
    const { store } = await openWithDevices("device-1");
    const ahead = NOW + 2 * 86_400_000;
    await store.activity.record([{ ...loginOf("device-1", ahead, "k1"), failure: { at: ahead, reason: "disabled" } }]);
    await store.activity.record([{ ...loginOf("device-1", NOW, "k2"), failure: { at: NOW, reason: "replayed" } }]);
    expect(await activityOf(store)).toEqual({
      lastLoginAt: NOW,
      lastKeyId: "k2",
      lastFailureAt: NOW,
      lastFailureReason: "replayed",
    });
  });

  test("unknown names and the decoy leave no row", async () => {
    const { store, database } = await openWithDevices("device-1");
    await store.activity.record([failureOf("nobody", NOW), loginOf("", NOW), loginOf("device-1", NOW)]);
    const rows = await database.db.selectFrom("device_activity").select("device_key").execute();
    expect(rows).toEqual([{ device_key: "device-1" }]);
    await store.activity.record([]);
    await store.activity.record([failureOf("nobody", NOW)]);
  });

  test("is no change of the registry: no event, no version", async () => {
    const { store } = await openWithDevices("device-1");
    const before = await actionsOf(store);
    await store.activity.record([loginOf("device-1", NOW)]);
    await store.activity.record([failureOf("device-1", NOW)]);
    expect(await actionsOf(store)).toEqual(before);
    expect((await store.devices.find("device-1"))?.revision).toBe(1);
  });

  test("several gateways record the same devices at once, in any order", async () => {
    const names = Array.from({ length: 60 }, (_, place) => `device-${place}`);
    const { store, reopen } = await openWithDevices(...names);
    const stores = [store, await reopen(), await reopen()];
    await Promise.all(
      Array.from({ length: 12 }, (_, round) => {
        const order = round % 2 === 0 ? names : names.toReversed();
        return stores[round % 3]?.activity.record(order.map((name) => loginOf(name, NOW + round, `k${round}`)));
      }),
    );
    for (const name of names) expect((await activityOf(store, name))?.lastLoginAt).toBe(NOW + 11);
  });

  test("activity from before an enrolment belongs to the former device", async () => {
    const { store } = await openWithDevices("device-1");
    await store.activity.record([loginOf("device-1", NOW - 1)]);
    expect(await activityOf(store)).toEqual(NEVER);
    await store.activity.record([loginOf("device-1", NOW)]);
    expect((await activityOf(store))?.lastLoginAt).toBe(NOW);
  });
}

// The store's contract for last logins and failures: ActivityStore.

import { expect, test } from "vitest";
import type { ActivityUpdate } from "../../src/core/activity.ts";
import type { Activity } from "../../src/core/registry/ports.ts";
import type { TestDatabase } from "../store/database.ts";
import { actionsOf, addDevice, failureOf, loginOf, NOW, type Open, openWithCustomer, UNSEEN } from "./store-samples.ts";

type Outcome = readonly [at: number, keyId: string, reason: string];

function updateOf(deviceKey: string, [at, keyId, reason]: Outcome): ActivityUpdate {
  return { deviceKey, login: { at, keyId }, failure: { at, reason } };
}

function activityWith([at, keyId, reason]: Outcome): Activity {
  return { lastLoginAt: at, lastKeyId: keyId, lastFailureAt: at, lastFailureReason: reason };
}

export function describeActivity(open: Open): void {
  async function openWithDevices(...names: readonly string[]): Promise<TestDatabase> {
    const opened = await openWithCustomer(open);
    for (const deviceKey of names) await addDevice(opened.store, { deviceKey });
    return opened;
  }

  test("logins and failures are stored separately, and change neither versions nor the audit log", async () => {
    const { store } = await openWithDevices("device-1", "device-2");
    const before = await actionsOf(store);
    await store.activity.record([loginOf("device-1", NOW), failureOf("device-2", NOW)]);
    await store.activity.record([failureOf("device-1", NOW + 1, "clock_skew"), loginOf("device-2", NOW + 2, "k2")]);
    expect(await store.devices.find("device-1")).toMatchObject({
      lastLoginAt: NOW,
      lastKeyId: "k1",
      lastFailureAt: NOW + 1,
      lastFailureReason: "clock_skew",
      revision: 1,
    });
    expect(await store.devices.find("device-2")).toMatchObject({
      lastLoginAt: NOW + 2,
      lastKeyId: "k2",
      lastFailureAt: NOW,
      lastFailureReason: "invalid_credentials",
    });
    expect(await actionsOf(store)).toEqual(before);
  });

  test("an older login of another gateway changes nothing, unless the stored one came from a clock days ahead", async () => {
    const { store } = await openWithDevices("device-1");
    const ahead: Outcome = [NOW + 2 * 86_400_000, "k1", "disabled"];
    const newer: Outcome = [NOW + 5, "k2", "replayed"];
    const older: Outcome = [NOW, "k3", "clock_skew"];
    await store.activity.record([updateOf("device-1", ahead)]);
    expect(await store.devices.find("device-1")).toMatchObject(activityWith(ahead));
    for (const outcome of [newer, older]) {
      await store.activity.record([updateOf("device-1", outcome)]);
      expect(await store.devices.find("device-1")).toMatchObject(activityWith(newer));
    }
  });

  test("unknown names and the decoy leave no row", async () => {
    const { store, database } = await openWithDevices("device-1");
    await store.activity.record([
      failureOf("nobody", NOW),
      loginOf("deleted", NOW),
      loginOf("", NOW),
      loginOf("device-1", NOW),
    ]);
    const rows = await database.db.selectFrom("device_activity").select("device_key").execute();
    expect(rows).toEqual([{ device_key: "device-1" }]);
    await store.activity.record([]);
    await store.activity.record([failureOf("nobody", NOW)]);
  });

  test("several gateways record the same devices at once, in any order", async () => {
    const names = Array.from({ length: 60 }, (_, index) => `device-${index}`);
    const { store, reopen } = await openWithDevices(...names);
    const stores = [store, await reopen(), await reopen()];
    await Promise.all(
      Array.from({ length: 12 }, (_, round) => {
        const order = round % 2 === 0 ? names : names.toReversed();
        return stores[round % 3]?.activity.record(order.map((name) => loginOf(name, NOW + round, `k${round}`)));
      }),
    );
    for (const name of names) expect((await store.devices.find(name))?.lastLoginAt).toBe(NOW + 11);
  });

  test.for([loginOf, failureOf])("activity from before an enrolment is not the new device's", async (updateOf) => {
    const { store } = await openWithDevices("device-1");
    await store.activity.record([updateOf("device-1", NOW - 1)]);
    expect(await store.devices.find("device-1")).toMatchObject(UNSEEN);
    await store.activity.record([updateOf("device-1", NOW)]);
    const { lastLoginAt, lastFailureAt } = (await store.devices.find("device-1")) ?? {};
    expect(lastLoginAt ?? lastFailureAt).toBe(NOW);
  });
}

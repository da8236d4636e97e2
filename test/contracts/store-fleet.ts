// The store's contract for the whole fleet: FleetStore.

import { expect, test } from "vitest";
import type { FleetChange } from "../../src/core/registry/fleet.ts";
import type { Condition, StoredDevice } from "../../src/core/registry/ports.ts";
import type { Store } from "../../src/store/sql.ts";
import { addDevice, enrolMany, entryOf, FIRST, NOW, type Open, openWithCustomer } from "./store-samples.ts";

const DISABLED: Condition = { field: "status", operator: "=", value: "disabled" };
const HOUR = 3_600_000;

/** Enrols `count` devices, each second one disabled. @returns their names */
function fill(store: Store, count: number): Promise<readonly string[]> {
  return enrolMany(store, count, (index) => ({ status: index % 2 === 0 ? "disabled" : "enabled" }));
}

async function countNames(
  store: Store,
  conditions: readonly Condition[],
): Promise<readonly [count: number, steps: number]> {
  let [total, steps] = [0, 0];
  for (let after: string | undefined = ""; after !== undefined; steps++) {
    const names = await store.fleet.findNames({ after, size: 2_000, conditions });
    total += names.items.length;
    after = names.next;
  }
  return [total, steps];
}

const disable = (current: StoredDevice): FleetChange => ({
  next: { ...current, status: "disabled" },
  entry: entryOf("UpdateDevice", { at: NOW + 1, resource: `devices/${current.deviceKey}` }),
});

export function describeFleet(open: Open): void {
  test("finds the names that match in steps, and counts all", async () => {
    const { store } = await openWithCustomer(open);
    const names = await fill(store, 2_500);
    expect(await countNames(store, [])).toEqual([2_500, 2]);
    expect(await countNames(store, [DISABLED])).toEqual([1_250, 2]);
    const narrow: Condition = { field: "device_key", operator: ">=", value: "device-02499" };
    expect(await countNames(store, [narrow])).toEqual([1, 1]);
    expect(await store.fleet.countAll(0, 0)).toMatchObject({ devices: 2_500, disabled: 1_250 });
    const page = { after: names[2_490] ?? "", size: 3, conditions: [DISABLED] };
    const first = await store.fleet.findNames(page);
    expect(first.items).toEqual([names[2_492], names[2_494], names[2_496]]);
    const last = await store.fleet.findNames({ ...page, after: first.next ?? "" });
    expect(last).toEqual({ items: [names[2_498]], next: undefined });
  });

  test("counts devices by when they were seen, and those that fail", async () => {
    const { store } = await openWithCustomer(open);
    const ages = { fresh: HOUR - 1, today: 2 * HOUR, old: 48 * HOUR, failing: 2 * HOUR, never: undefined };
    for (const deviceKey of Object.keys(ages)) await addDevice(store, { deviceKey });
    await store.activity.record(
      Object.entries(ages).map(([deviceKey, age]) => ({
        deviceKey,
        login: age === undefined ? undefined : { at: NOW + 100 * HOUR - age, keyId: "k" },
        failure:
          deviceKey === "failing" || deviceKey === "never"
            ? { at: NOW + 100 * HOUR - 1, reason: "invalid_credentials" }
            : { at: NOW + 1, reason: "invalid_credentials" },
      })),
    );
    const now = NOW + 100 * HOUR;
    expect(await store.fleet.countAll(now - HOUR, now - 24 * HOUR)).toEqual({
      devices: 5,
      disabled: 0,
      seenLastHour: 1,
      seenLastDay: 3,
      failing: 2,
    });
    const namesOf = async (...conditions: Condition[]) =>
      (await store.devices.list({ ...FIRST, conditions })).items.map(({ deviceKey }) => deviceKey);
    expect(await namesOf({ field: "failing", operator: "=", value: true })).toEqual(["failing", "never"]);
    const unseen = await namesOf({ field: "last_seen_time", operator: "<", value: now - 24 * HOUR });
    expect(unseen).toEqual(["never", "old"]);
  });

  test("changes and deletes devices with an entry each, and skips unknown ones", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const names = await fill(store, 250);
    const decide = (current: StoredDevice): FleetChange | undefined => {
      if (current.status === "disabled") return undefined;
      return current.deviceKey < "device-00100" ? { ...disable(current), next: undefined } : disable(current);
    };
    expect(await store.fleet.change([...names, "nobody"], decide)).toEqual({ matched: 250, changed: 125 });
    const other = await reopen();
    expect(await other.fleet.countAll(0, 0)).toMatchObject({ devices: 200, disabled: 200 });
    expect(await other.devices.find("device-00101")).toMatchObject({ revision: 2, updatedAt: NOW + 1 });
    const { items } = await other.audit.list({ ...FIRST, size: 1_000 });
    expect(items.filter(({ action }) => action === "UpdateDevice")).toHaveLength(125);
  });
}

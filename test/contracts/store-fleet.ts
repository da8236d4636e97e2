// The store's contract for many devices at once: imports, counts and changes.

import { expect, test } from "vitest";
import type { Device } from "../../src/core/registry/ports.ts";
import { createRegistry } from "../../src/core/registry/registry.ts";
import type { Store } from "../../src/store/sql.ts";
import {
  actionsOf,
  addDevice,
  device,
  enrolMany,
  entryOf,
  FIRST,
  loginOf,
  NOW,
  type Open,
  oddDevice,
  openWithCustomer,
} from "./store-samples.ts";

const HOUR = 3_600_000;

/** More devices than one statement takes; not a multiple of its size. */
const MANY = Array.from({ length: 437 }, (_, index): Device => {
  return { ...device, deviceKey: `many-${String(index).padStart(3, "0")}` };
});

/** Imports the devices whose customer exists. */
function importAll({ devices }: Store, rows: readonly Device[]): Promise<void> {
  return devices.importAll(
    rows,
    (row, _, customerExists) => (customerExists ? row : undefined),
    () => entryOf("ImportDevices", { at: NOW + 5 }),
  );
}

export function describeFleet(open: Open): void {
  test("an import stores new devices, replaces each field of known ones, and has one audit entry", async () => {
    const { store, reopen } = await openWithCustomer(open);
    await addDevice(store, { deviceKey: oddDevice.deviceKey });
    const astray = { ...device, deviceKey: "astray", customerId: "nobody" };
    await importAll(store, [...MANY, oddDevice, astray]);
    const other = await reopen();
    const { items } = await other.devices.list({ ...FIRST, size: 1_000 });
    const created = { createdAt: NOW + 5, updatedAt: NOW + 5, revision: 1 };
    const stored = [
      { ...oddDevice, ...created, createdAt: NOW, revision: 2 },
      ...MANY.map((row) => ({ ...row, ...created })),
    ];
    expect(items).toEqual(stored.map((row) => expect.objectContaining(row)));
    expect(await actionsOf(other)).toEqual(["CreateCustomer", "CreateDevice", "ImportDevices"]);
  });

  test("new devices have no activity of deleted ones, and existing devices keep theirs", async () => {
    const { store, database } = await openWithCustomer(open);
    await addDevice(store, { deviceKey: "known" });
    const names = ["known", ...MANY.map(({ deviceKey }) => deviceKey)];
    await database.db
      .insertInto("device_activity")
      .values(names.map((device_key) => ({ device_key, last_login_at: NOW })))
      .execute();
    await importAll(store, [{ ...device, deviceKey: "known", displayName: "x" }, ...MANY]);
    const left = await database.db.selectFrom("device_activity").select("device_key").execute();
    expect(left).toEqual([{ device_key: "known" }]);
  });

  test("concurrent imports of the same devices run one after the other", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const stores = [store, await reopen(), await reopen()];
    await importAll(store, MANY.slice(0, 50));
    await Promise.all(
      Array.from({ length: 9 }, (_, index) => {
        const order = index % 2 === 0 ? MANY : MANY.toReversed();
        return importAll(stores[index % 3] ?? store, order);
      }),
    );
    const { items } = await store.devices.list({ ...FIRST, size: 1_000 });
    expect(items).toHaveLength(MANY.length);
    for (const { deviceKey, revision } of items) expect(revision).toBe(deviceKey < "many-050" ? 10 : 9);
  });

  test("counts devices by when they were seen, and those that fail", async () => {
    const { store } = await openWithCustomer(open);
    const now = NOW + 100 * HOUR;
    const failure = { at: now - 2 * HOUR, reason: "invalid_credentials" };
    const ages = { fresh: HOUR - 1, today: HOUR + 1, failing: 3 * HOUR, old: 48 * HOUR, never: undefined };
    for (const [deviceKey, age] of Object.entries(ages)) {
      await addDevice(store, { deviceKey });
      const login = age === undefined ? undefined : { at: now - age, keyId: "k" };
      await store.activity.record([{ deviceKey, login, failure }]);
    }
    const { devices, fleet } = createRegistry({ ...store, now: () => now });
    const counts = { devices: 5, disabled: 0, seenLastHour: 1, seenLastDay: 3, failing: 3 };
    expect(await fleet.summarize()).toEqual({ ...counts, countedAt: now });
    for (const [filter, found] of [
      ["failing = true", ["failing", "never", "old"]],
      ["last_seen_time < -24h", ["never", "old"]],
    ] as const) {
      const { items } = await devices.list({ filter, pageSize: 0, pageToken: "" });
      expect(items.map(({ deviceKey }) => deviceKey)).toEqual(found);
    }
  });

  test("changes and deletes devices with an entry each, and skips unknown ones", async () => {
    const { store, database, reopen } = await openWithCustomer(open);
    const names = await enrolMany(store, 250, (index) => ({ status: index % 2 === 0 ? "disabled" : "enabled" }));
    await store.activity.record(names.map((name) => loginOf(name)));
    const change = await store.fleet.change([...names, "nobody"], (current) => {
      if (current.status === "disabled") return undefined;
      const isDeleted = current.deviceKey < "device-00100";
      const entry = entryOf("UpdateDevice", { at: NOW + 1, resource: `devices/${current.deviceKey}` });
      return { next: isDeleted ? undefined : { ...current, status: "disabled" }, entry };
    });
    expect(change).toEqual({ matched: 250, changed: 125 });
    const other = await reopen();
    expect(await other.fleet.countAll(0, 0)).toMatchObject({ devices: 200, disabled: 200 });
    expect(await other.devices.find("device-00101")).toMatchObject({
      revision: 2,
      updatedAt: NOW + 1,
      lastKeyId: "k1",
    });
    expect((await actionsOf(other)).filter((action) => action === "UpdateDevice")).toHaveLength(125);
    // A deleted device leaves no activity.
    expect(await database.db.selectFrom("device_activity").selectAll().execute()).toHaveLength(200);
  });
}

// The store's contract for many devices at once: DeviceStore.importAll.

import { expect, test } from "vitest";
import type { Device } from "../../src/core/registry/ports.ts";
import type { Store } from "../../src/store/sql.ts";
import {
  ACTOR,
  actionsOf,
  addDevice,
  device,
  entryOf,
  FIRST,
  NOW,
  type Open,
  oddDevice,
  openWithCustomer,
  seenOnce,
} from "./store-samples.ts";

/** More devices than one statement takes; not a multiple of its size. */
const MANY = Array.from({ length: 437 }, (_, index) => deviceOf(`many-${String(index).padStart(3, "0")}`));

function deviceOf(deviceKey: string, draft: Partial<Device> = {}): Device {
  return { ...device, deviceKey, ...draft };
}

interface DecideCall {
  readonly deviceKey: string;
  readonly current: Device | undefined;
  readonly customerExists: boolean;
}

/** Imports the wanted devices. @returns the arguments of each decision */
async function importDevices(
  { devices }: Store,
  wanted: readonly Device[],
  wants: (call: DecideCall) => boolean = () => true,
): Promise<readonly DecideCall[]> {
  const calls: DecideCall[] = [];
  await devices.importAll(
    wanted,
    (next, current, customerExists) => {
      const call = { deviceKey: next.deviceKey, current, customerExists };
      calls[wanted.indexOf(next)] = call;
      return wants(call) ? next : undefined;
    },
    () => entryOf("ImportDevices", { at: NOW + 5 }),
  );
  return calls;
}

export function describeImport(open: Open): void {
  test("enrols many devices unchanged, with one entry", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const calls = await importDevices(store, [...MANY, oddDevice]);
    expect(calls.every(({ current, customerExists }) => current === undefined && customerExists)).toBe(true);

    const other = await reopen();
    const { items } = await other.devices.list({ ...FIRST, size: 1_000 });
    expect(items).toHaveLength(MANY.length + 1);
    for (const wanted of [oddDevice, ...MANY]) {
      expect(items.find(({ deviceKey }) => deviceKey === wanted.deviceKey)).toMatchObject({
        ...wanted,
        createdAt: NOW + 5,
        updatedAt: NOW + 5,
        revision: 1,
      });
    }
    const [event] = (await other.audit.list(FIRST)).items;
    expect(event).toMatchObject({ actor: ACTOR, action: "ImportDevices" });
    expect(await actionsOf(other)).toEqual(["CreateCustomer", "ImportDevices"]);
  });

  test("new devices have no activity of deleted ones, and existing devices keep theirs", async () => {
    const { store, database } = await openWithCustomer(open);
    await addDevice(store, { deviceKey: "known" });
    const names = ["known", ...MANY.map(({ deviceKey }) => deviceKey)];
    await database.db.insertInto("device_activity").values(names.map(seenOnce)).execute();
    await importDevices(store, [{ ...device, deviceKey: "known", displayName: "x" }, ...MANY]);
    const kept = await database.db.selectFrom("device_activity").select("device_key").execute();
    expect(kept).toEqual([{ device_key: "known" }]);
  });

  test("reads each device as it is stored, and writes only those that the decision accepts", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store, { deviceKey: "known", displayName: "before", labels: { site: "north" } });
    await addDevice(store, { deviceKey: "kept", displayName: "before" });
    const calls = await importDevices(
      store,
      [
        deviceOf("new", { displayName: "after" }),
        deviceOf("kept", { displayName: "after" }),
        deviceOf("known", { displayName: "after" }),
        deviceOf("refused"),
        deviceOf("astray", { customerId: "nobody" }),
      ],
      ({ deviceKey, customerExists }) => customerExists && !["kept", "refused"].includes(deviceKey),
    );
    expect(
      calls.map(({ deviceKey, current, customerExists }) => [deviceKey, current?.displayName, customerExists]),
    ).toEqual([
      ["new", undefined, true],
      ["kept", "before", true],
      ["known", "before", true],
      ["refused", undefined, true],
      ["astray", undefined, false],
    ]);
    const { devices } = store;
    const changed = { displayName: "after", updatedAt: NOW + 5 };
    expect(await devices.find("new")).toMatchObject({ ...changed, revision: 1, createdAt: NOW + 5 });
    expect(await devices.find("known")).toMatchObject({ ...changed, labels: {}, revision: 2, createdAt: NOW });
    expect(await devices.find("kept")).toMatchObject({ displayName: "before", revision: 1, updatedAt: NOW });
    expect([await devices.find("refused"), await devices.find("astray")]).toEqual([undefined, undefined]);
  });

  test("writes nothing when no change is decided", async () => {
    const { store } = await openWithCustomer(open);
    await addDevice(store);
    await importDevices(store, [device, deviceOf("new")], () => false);
    await importDevices(store, []);
    expect(await actionsOf(store)).toEqual(["CreateCustomer", "CreateDevice"]);
  });

  test("concurrent imports of the same devices run one after the other", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const stores = [store, await reopen(), await reopen()];
    await importDevices(store, MANY.slice(0, 50));
    await Promise.all(
      Array.from({ length: 9 }, (_, index) => {
        const order = index % 2 === 0 ? MANY : MANY.toReversed();
        return importDevices(stores[index % 3] ?? store, order);
      }),
    );
    const { items } = await store.devices.list({ ...FIRST, size: 1_000 });
    expect(items).toHaveLength(MANY.length);
    for (const { deviceKey, revision } of items) expect(revision).toBe(deviceKey < "many-050" ? 10 : 9);
  });
}

// Counts and changes of many devices.

import { expect, test } from "vitest";
import type { FleetAction } from "../../../src/core/registry/fleet.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { ALL, openWithCustomer } from "./open-registry.ts";

async function openFleet(count: number) {
  const opened = await openWithCustomer();
  const names = Array.from({ length: count }, (_, index) => `pump-${String(index).padStart(4, "0")}`);
  for (let start = 0; start < count; start += 1_000) {
    const rows = names.slice(start, start + 1_000).map((deviceKey) => ({ deviceKey, customerId: "acme" }));
    await opened.registry.importDevices(rows, ACTOR, false);
  }
  const { fleet } = opened.registry;
  const changeAll = async (filter: string, action: FleetAction, labels = {}) => {
    let [matched, changed, calls] = [0, 0, 0];
    for (let pageToken = "", isFirst = true; isFirst || pageToken !== ""; isFirst = false, calls++) {
      const progress = await fleet.change({ ...NAMES, filter, pageToken, action, labels }, ACTOR);
      matched += progress.matched;
      changed += progress.changed;
      pageToken = progress.nextPageToken;
    }
    return { matched, changed, calls };
  };
  return { ...opened, names, fleet, changeAll };
}

const NAMES = { filter: "", pageToken: "", deviceKeys: [], labels: {} } as const;

test("the devices of a filter are disabled in several calls, each once", async () => {
  const { registry, fleet, changeAll } = await openFleet(2_300);
  expect(await fleet.count('device_key >= "pump-1000"', "")).toEqual({ count: 1_300, nextPageToken: "" });
  const range = 'device_key >= "pump-1000"';
  expect(await changeAll(range, "disable")).toEqual({ matched: 1_300, changed: 1_300, calls: 2 });
  expect(await changeAll(range, "disable")).toMatchObject({ matched: 1_300, changed: 0 });
  expect(await registry.devices.get("pump-1000")).toMatchObject({ status: "disabled", tokensNotBefore: NOW });
  expect(await registry.devices.get("pump-0999")).toMatchObject({ status: "enabled", tokensNotBefore: 0 });
  const { items } = await registry.listAuditEvents({ ...ALL, filter: 'resource = "devices/pump-1000"' });
  const [last] = items;
  expect(last).toMatchObject({ action: "UpdateDevice", customerId: "acme", details: { status: "disabled" } });
  expect(await changeAll("status = disabled", "enable")).toMatchObject({ matched: 1_300, changed: 1_300 });
  expect(await fleet.count("status = disabled", "")).toMatchObject({ count: 0 });
});

test("labels are set and removed, tokens revoked, devices deleted", async () => {
  const { registry, fleet, changeAll } = await openFleet(3);
  await registry.devices.update("pump-0000", { labels: { site: "north", hall: "2" } }, "", ACTOR);
  await changeAll("customer_id = acme", "label", { site: "south", hall: "" });
  expect((await registry.devices.get("pump-0000")).labels).toEqual({ site: "south" });
  expect((await registry.devices.get("pump-0001")).labels).toEqual({ site: "south" });

  const named = { ...NAMES, deviceKeys: ["pump-0001", "pump-0001", "nobody"] };
  const revoked = { matched: 1, changed: 1, nextPageToken: "" };
  expect(await fleet.change({ ...named, action: "revoke_tokens" }, ACTOR)).toEqual(revoked);
  expect(await registry.devices.get("pump-0001")).toMatchObject({ tokensNotBefore: NOW });
  expect(await fleet.change({ ...named, action: "delete" }, ACTOR)).toEqual(revoked);
  expect(await fleet.count("", "")).toMatchObject({ count: 2 });
});

test("a filter by time uses the gateway's clock", async () => {
  const { fleet, clock } = await openFleet(1);
  clock.now += 31 * 86_400_000;
  expect(await fleet.count("last_seen_time < -30d", "")).toMatchObject({ count: 1 });
  expect(await fleet.count("last_seen_time < -32d", "")).toMatchObject({ count: 0 });
});

test.each([
  [NAMES, "disable", "filter"],
  [{ ...NAMES, filter: " " }, "disable", "filter"],
  [{ ...NAMES, filter: "status = enabled", deviceKeys: ["a"] }, "disable", "filter"],
  [{ ...NAMES, filter: "colour = red" }, "disable", "filter"],
  [{ ...NAMES, deviceKeys: Array.from({ length: 1_001 }, String) }, "disable", "device_keys"],
  // The empty name is the decoy's.
  [{ ...NAMES, deviceKeys: [""] }, "delete", "device_key"],
  [{ ...NAMES, deviceKeys: ["a"] }, "label", "labels"],
  [{ ...NAMES, deviceKeys: ["a"], labels: { "no name": "x" } }, "label", "labels"],
] as const)("%j with %j is refused", async (selection, action, field) => {
  const { fleet } = await openFleet(0);
  const refused = { reason: "malformed", details: { field } };
  await expect(fleet.change({ ...selection, action }, ACTOR)).rejects.toMatchObject(refused);
});

test("a summary is cached for two seconds, and shared by concurrent callers", async () => {
  const { registry, store, fleet, clock } = await openFleet(3);
  const failure = { at: NOW, reason: "disabled" } as const;
  await store.activity.record([
    { deviceKey: "pump-0001", login: { at: NOW, keyId: "k1" }, failure: undefined },
    { deviceKey: "pump-0002", login: undefined, failure },
  ]);
  await registry.devices.update("pump-0002", { status: "disabled" }, "", ACTOR);
  clock.now += 2 * 3_600_000;
  const all = await Promise.all([fleet.summarize(), fleet.summarize()]);
  expect(all[0]).toBe(all[1]);
  const countedAt = clock.now;
  expect(all[0]).toEqual({ devices: 3, disabled: 1, seenLastHour: 0, seenLastDay: 1, failing: 1, countedAt });
  await registry.devices.delete("pump-0000", "", ACTOR);
  clock.now += 1_999;
  expect((await fleet.summarize()).devices).toBe(3);
  clock.now += 1;
  expect((await fleet.summarize()).devices).toBe(2);
});

test("too many labels for a device are an error that names the device, and change nothing", async () => {
  const { registry, fleet } = await openFleet(2);
  const most = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`label-${index}`, "x"]));
  await registry.devices.update("pump-0001", { labels: most }, "", ACTOR);
  await expect(
    fleet.change({ ...NAMES, filter: "customer_id = acme", action: "label", labels: { site: "north" } }, ACTOR),
  ).rejects.toMatchObject({
    reason: "malformed",
    message: "the device pump-0001 would have 33 labels. It has at most 32",
    details: { field: "labels" },
  });
  expect((await registry.devices.get("pump-0000")).labels).toEqual({});
});

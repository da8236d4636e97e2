// Counts and changes of many devices, over a real store.

import { expect, test } from "vitest";
import type { FleetAction } from "../../../src/core/registry/fleet.ts";
import { ACTOR, enrolMany, NOW } from "../../contracts/store-samples.ts";
import { ALL, openWithCustomers } from "./open-registry.ts";

const NAMES = { filter: "", pageToken: "", deviceKeys: [], labels: {} } as const;

/** Opens a registry with devices from device-00000 on. */
async function openFleet(count: number) {
  const opened = await openWithCustomers();
  await enrolMany(opened.store, count, () => ({ customerId: "acme" }));
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
  return { ...opened, ...opened.registry, changeAll };
}

test("the devices of a filter are disabled in several calls, each once", async () => {
  const { devices, fleet, changeAll, listAuditEvents } = await openFleet(2_300);
  const range = "device_key >= device-01000";
  expect(await fleet.count(range, "")).toEqual({ count: 1_300, nextPageToken: "" });
  expect(await changeAll(range, "disable")).toEqual({ matched: 1_300, changed: 1_300, calls: 2 });
  expect(await changeAll(range, "disable")).toMatchObject({ matched: 1_300, changed: 0 });
  expect(await devices.get("device-01000")).toMatchObject({ status: "disabled", tokensNotBefore: NOW });
  expect(await devices.get("device-00999")).toMatchObject({ status: "enabled", tokensNotBefore: 0 });
  const { items } = await listAuditEvents({ ...ALL, filter: 'resource = "devices/device-01000"' });
  expect(items).toMatchObject([{ action: "UpdateDevice", customerId: "acme", details: { status: "disabled" } }]);
  expect(await changeAll("status = disabled", "enable")).toMatchObject({ matched: 1_300, changed: 1_300 });
  expect(await fleet.count("status = disabled", "")).toMatchObject({ count: 0 });
});

test("labels are set and removed, tokens revoked, devices deleted", async () => {
  const { devices, fleet, changeAll } = await openFleet(3);
  await devices.update("device-00000", { labels: { site: "north", hall: "2" } }, "", ACTOR);
  await changeAll("customer_id = acme", "label", { site: "south", hall: "" });
  for (const name of ["device-00000", "device-00001"]) {
    expect((await devices.get(name)).labels).toEqual({ site: "south" });
  }
  const named = { ...NAMES, deviceKeys: ["device-00001", "device-00001", "nobody"] };
  const progress = { matched: 1, changed: 1, nextPageToken: "" };
  expect(await fleet.change({ ...named, action: "revoke_tokens" }, ACTOR)).toEqual(progress);
  expect(await devices.get("device-00001")).toMatchObject({ tokensNotBefore: NOW });
  expect(await fleet.change({ ...named, action: "delete" }, ACTOR)).toEqual(progress);
  expect(await fleet.count("", "")).toMatchObject({ count: 2 });
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

test("too many labels for a device are an error that names the device, and change nothing", async () => {
  const { devices, changeAll } = await openFleet(2);
  const labels = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`label-${index}`, "x"]));
  await devices.update("device-00001", { labels }, "", ACTOR);
  const message = "the device device-00001 would have 33 labels. It has at most 32";
  const error = { reason: "malformed", message, details: { field: "labels" } };
  await expect(changeAll("customer_id = acme", "label", { site: "north" })).rejects.toMatchObject(error);
  expect((await devices.get("device-00000")).labels).toEqual({});
});

test("a summary is cached for two seconds, and shared by concurrent callers", async () => {
  const { devices, fleet, clock } = await openFleet(3);
  const [one, other] = await Promise.all([fleet.summarize(), fleet.summarize()]);
  expect(one).toBe(other);
  expect(one).toMatchObject({ devices: 3, countedAt: NOW });
  await devices.delete("device-00000", "", ACTOR);
  clock.now += 1_999;
  expect(await fleet.summarize()).toBe(one);
  clock.now += 1;
  expect(await fleet.summarize()).toMatchObject({ devices: 2, countedAt: NOW + 2_000 });
});

// Counts and changes of many devices, over a real store.

import { expect, test } from "vitest";
import type { FleetRequest } from "../../../src/core/registry/fleet.ts";
import { ACTOR, enrolMany, NOW } from "../../contracts/store-samples.ts";
import { ALL, openWithCustomers } from "./open-registry.ts";

const NAMES = { filter: "", pageToken: "", deviceKeys: [], labels: {} } as const;

/** Opens a registry with devices from device-00000 on. */
async function openFleet(count: number) {
  const opened = await openWithCustomers();
  await enrolMany(opened.store, count, () => ({ customerId: "acme" }));
  const { fleet } = opened.registry;
  const change = (request: Partial<FleetRequest> & Pick<FleetRequest, "action">) =>
    fleet.change({ ...NAMES, ...request }, ACTOR);
  return { ...opened, ...opened.registry, change };
}

test("the devices of a filter are disabled in several calls, each once", async () => {
  const { devices, fleet, change, listAuditEvents } = await openFleet(2_300);
  const request = { filter: "device_key >= device-01000", action: "disable" } as const;
  expect(await fleet.count(request.filter, "")).toEqual({ count: 1_300, nextPageToken: "" });
  const first = await change(request);
  expect(first).toMatchObject({ matched: 1_000, changed: 1_000 });
  const second = { ...request, pageToken: first.nextPageToken };
  expect(await change(second)).toEqual({ matched: 300, changed: 300, nextPageToken: "" });
  expect(await change(second)).toEqual({ matched: 300, changed: 0, nextPageToken: "" });
  expect(await devices.get("device-01000")).toMatchObject({ status: "disabled", tokensNotBefore: NOW });
  expect(await devices.get("device-00999")).toMatchObject({ status: "enabled", tokensNotBefore: 0 });
  const { items } = await listAuditEvents({ ...ALL, filter: 'resource = "devices/device-01000"' });
  expect(items).toMatchObject([{ action: "UpdateDevice", customerId: "acme", details: { status: "disabled" } }]);
  // More matches than one call changes, without an index that finds them.
  const enabling = { filter: "customer_id != globex", action: "enable" } as const;
  const { nextPageToken: pageToken } = await change(enabling);
  expect(await change({ ...enabling, pageToken })).toMatchObject({ matched: 1_000, changed: 1_000 });
  expect(await fleet.count("status = disabled", "")).toMatchObject({ count: 300 });
  expect(await fleet.summarize()).toMatchObject({ devices: 2_300, disabled: 300 });
});

test("labels are set and removed, tokens revoked, devices deleted", async () => {
  const { devices, fleet, change } = await openFleet(3);
  await devices.update("device-00000", { labels: { site: "north", hall: "2" } }, "", ACTOR);
  await change({ filter: "customer_id = acme", action: "label", labels: { site: "south", hall: "" } });
  for (const name of ["device-00000", "device-00001"]) {
    expect((await devices.get(name)).labels).toEqual({ site: "south" });
  }
  const deviceKeys = ["device-00001", "device-00001", "nobody"];
  const progress = { matched: 1, changed: 1, nextPageToken: "" };
  expect(await change({ deviceKeys, action: "revoke_tokens" })).toEqual(progress);
  expect(await devices.get("device-00001")).toMatchObject({ tokensNotBefore: NOW });
  expect(await change({ deviceKeys, action: "delete" })).toEqual(progress);
  expect(await fleet.count("", "")).toMatchObject({ count: 2 });
});

test.each([
  ["no selection", {}, "disable", "filter"],
  ["a blank filter", { filter: " " }, "disable", "filter"],
  ["a filter beside device_keys", { filter: "status = enabled", deviceKeys: ["a"] }, "disable", "filter"],
  ["a filter with an unknown field", { filter: "colour = red" }, "disable", "filter"],
  ["1,001 device_keys", { deviceKeys: Array(1_001).fill("a") }, "disable", "device_keys"],
  ["the decoy's empty device_key", { deviceKeys: [""] }, "delete", "device_key"],
  ["label without labels", { deviceKeys: ["a"] }, "label", "labels"],
  ["a malformed label", { deviceKeys: ["a"], labels: { "no name": "x" } }, "label", "labels"],
] as const)("refuses %s", async (_mistake, selection, action, field) => {
  const { change } = await openFleet(0);
  const refused = { reason: "malformed", details: { field } };
  await expect(change({ ...selection, action })).rejects.toMatchObject(refused);
});

test("too many labels for a device are an error that names the device, and change nothing", async () => {
  const { devices, change } = await openFleet(2);
  const labels = Object.fromEntries(Array.from({ length: 32 }, (_, index) => [`label-${index}`, "x"]));
  await devices.update("device-00001", { labels }, "", ACTOR);
  const message = "the device device-00001 would have 33 labels. It may have at most 32";
  const error = { reason: "malformed", message, details: { field: "labels" } };
  await expect(
    change({ filter: "customer_id = acme", action: "label", labels: { site: "north" } }),
  ).rejects.toMatchObject(error);
  expect((await devices.get("device-00000")).labels).toEqual({});
});

test("a summary is cached for two seconds, and shared by concurrent callers; a count is always of now", async () => {
  const { devices, fleet, clock } = await openFleet(3);
  const [one, other] = await Promise.all([fleet.summarize(), fleet.summarize()]);
  expect(one).toBe(other);
  expect(one).toMatchObject({ devices: 3, countedAt: NOW });
  await devices.delete("device-00000", "", ACTOR);
  clock.now += 1_999;
  expect(await fleet.summarize()).toBe(one);
  clock.now += 1;
  expect(await fleet.summarize()).toMatchObject({ devices: 2, countedAt: NOW + 2_000 });
  const unseen = [await fleet.count("last_seen_time < -1s", ""), await fleet.count("last_seen_time < -3s", "")];
  expect(unseen).toMatchObject([{ count: 2 }, { count: 0 }]);
});

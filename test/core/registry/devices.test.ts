// Devices over a real store: enrolment, changes, imports and derived keys.

import { describe, expect, test } from "vitest";
import type { ImportRow } from "../../../src/core/registry/device-import.ts";
import type { DeviceDraft } from "../../../src/core/registry/devices.ts";
import { deriveDeviceKey, secretFromText } from "../../../src/core/signature.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { DEVICE, openWithCustomers } from "./open-registry.ts";

test("a device is enrolled unchanged, with an audit event", async () => {
  const { registry, events } = await openWithCustomers();
  const labels = { site: "x", "a.b": "" };
  const flags = { status: "disabled", sharedIdentity: true, replayGuard: true } as const;
  const draft = { ...DEVICE, ...flags, displayName: "Pump 7", labels };
  const created = await registry.devices.create(draft, ACTOR);
  const made = { acceptsShared: false, tokensNotBefore: 0, keyModeSince: NOW, revision: 1, createdAt: NOW };
  expect(created).toMatchObject({ ...draft, ...made });
  expect(await registry.devices.get("pump-7")).toEqual(created);
  expect((await events()).at(-1)).toEqual({
    action: "CreateDevice",
    resource: "devices/pump-7",
    customerId: "acme",
    details: {
      display_name: "Pump 7",
      status: "disabled",
      key_mode: "shared",
      shared_identity: true,
      replay_guard: true,
      accepts_shared_key: false,
      labels: '{"a.b":"","site":"x"}',
      public_key: "",
    },
  });
});

test.for([
  ["shared", undefined, false],
  ["derived", undefined, true],
  ["shared", true, true],
  ["derived", false, false],
] as const)(
  "the replay guard of a device with %s keys and %s is %s, also after a move",
  async ([keyMode, replayGuard, isGuarded]) => {
    const { create, update } = (await openWithCustomers()).registry.devices;
    const created = await create({ ...DEVICE, keyMode, replayGuard }, ACTOR);
    expect(created).toMatchObject({ replayGuard: isGuarded, acceptsShared: false });
    await update("pump-7", { keyMode: keyMode === "shared" ? "derived" : "shared" }, "", ACTOR);
    expect(await update("pump-7", { keyMode, replayGuard }, "", ACTOR)).toMatchObject({ replayGuard: isGuarded });
  },
);

test.for<[Partial<DeviceDraft>, string]>([
  [{ deviceKey: '"'.repeat(49) }, "device_key"],
  [{ customerId: "" }, "customer_id"],
  [{ displayName: "\n" }, "display_name"],
  [{ labels: { "a b": "" } }, "labels"],
  [{ publicKey: "x" }, "public_key"],
])("%j is malformed", async ([draft, field]) => {
  const { create, update } = (await openWithCustomers()).registry.devices;
  const error = { reason: "malformed", details: { field } };
  await expect(create({ ...DEVICE, ...draft }, ACTOR)).rejects.toMatchObject(error);
  const { deviceKey, customerId, ...patch } = draft;
  if (deviceKey !== undefined || customerId !== undefined) return;
  await create(DEVICE, ACTOR);
  await expect(update("pump-7", patch, "", ACTOR)).rejects.toMatchObject(error);
});

test("an update replaces all labels; another order is no change", async () => {
  const { registry, events } = await openWithCustomers();
  const { create, update } = registry.devices;
  const created = await create({ ...DEVICE, labels: { b: "1", a: "2" } }, ACTOR);
  expect(await update("pump-7", { labels: { a: "2", b: "1" } }, "", ACTOR)).toEqual(created);
  expect(await update("pump-7", { labels: { c: "3" } }, "", ACTOR)).toMatchObject({ labels: { c: "3" } });
  expect((await events()).at(-1)?.details).toEqual({ labels: '{"c":"3"}' });
});

test("a device that moves to a key of its own may use both keys until the move is finished", async () => {
  const { registry, events, clock } = await openWithCustomers();
  const { create, update } = registry.devices;
  await create(DEVICE, ACTOR);
  clock.now += 1;
  const moved = { keyMode: "derived", keyModeSince: NOW + 1, acceptsShared: true, replayGuard: true };
  expect(await update("pump-7", { keyMode: "derived" }, "", ACTOR)).toMatchObject(moved);
  const details = { key_mode: "derived", accepts_shared_key: true, replay_guard: true };
  expect((await events()).at(-1)?.details).toEqual(details);
  clock.now += 1;
  expect(await update("pump-7", { keyMode: "derived", displayName: "x" }, "", ACTOR)).toMatchObject(moved);

  const finished = await update("pump-7", { finishMove: true }, "", ACTOR);
  expect(finished).toMatchObject({ keyMode: "derived", acceptsShared: false });
  expect((await events()).at(-1)?.details).toEqual({ accepts_shared_key: false });
  const back = await update("pump-7", { keyMode: "shared" }, "", ACTOR);
  expect(back).toMatchObject({ keyMode: "shared", acceptsShared: false, replayGuard: false });
});

test("a board's own key derives from the newest live derivation key, each time with an audit event", async () => {
  const { registry, clock, events, issue } = await openWithCustomers();
  const derive = (deviceKey = "pump-7") => registry.devices.deriveKey(deviceKey, ACTOR);
  await registry.devices.create(DEVICE, ACTOR);
  await issue();
  const before = await events();
  await expect(derive()).rejects.toMatchObject({
    reason: "failed_precondition",
    message:
      "the customer of this device has no live derivation key that can be unsealed. Issue one with purpose derivation",
  });
  expect(await events()).toEqual(before);

  const old = await issue({ purpose: "derivation" });
  clock.now += 1;
  const { keyId, customerKey } = await issue({ purpose: "derivation" });
  clock.now += 1;
  await issue({ purpose: "derivation", notBefore: clock.now + 1_000 });
  const derived = { keyId, customerKey: deriveDeviceKey(secretFromText(customerKey), "pump-7") };
  expect([await derive(), await derive()]).toEqual([derived, derived]);
  const event = { action: "DeriveDeviceKey", resource: "devices/pump-7", details: { key_id: keyId } };
  expect((await events()).slice(-2)).toMatchObject([event, event]);
  await registry.customerKeys.retire(keyId, false, ACTOR);
  expect((await derive()).keyId).toBe(old.keyId);
  await expect(derive("nobody")).rejects.toMatchObject({ reason: "does_not_exist" });
});

function rowOf(deviceKey: string, draft: Partial<ImportRow> = {}): ImportRow {
  return { deviceKey, customerId: "acme", ...draft };
}

async function openImport() {
  const { registry, events } = await openWithCustomers();
  const importRows = (...rows: readonly ImportRow[]) => registry.importDevices(rows, ACTOR);
  return { devices: registry.devices, events, importRows };
}

const NONE = { created: 0, updated: 0, unchanged: 0, failures: [] };

describe("an import", () => {
  test("a row enrols a device like create, or changes its fields like update", async () => {
    const { devices, importRows } = await openImport();
    const labels = { site: "north" };
    const given = { displayName: "Pump", keyMode: "derived", replayGuard: false, labels, status: "disabled" } as const;
    expect(await importRows(rowOf("a"), rowOf("b", given))).toEqual({ ...NONE, created: 2 });
    const { deviceKey: _, ...usual } = await devices.create({ ...DEVICE, deviceKey: "like" }, ACTOR);
    expect(await devices.get("a")).toEqual({ ...usual, deviceKey: "a" });
    expect(await devices.get("b")).toMatchObject({ ...given, acceptsShared: false, revision: 1 });

    const rows = [rowOf("a", { keyMode: "derived" }), rowOf("b", { labels: {}, displayName: "" })];
    expect(await importRows(...rows)).toEqual({ ...NONE, updated: 2 });
    const moved = { keyMode: "derived", acceptsShared: true, replayGuard: true, revision: 2 };
    expect(await devices.get("a")).toMatchObject(moved);
    expect(await devices.get("b")).toMatchObject({ ...given, labels: {}, displayName: "", revision: 2 });
    // Importing the row again does not end the move.
    expect(await importRows(...rows)).toEqual({ ...NONE, unchanged: 2 });
    expect(await devices.get("a")).toMatchObject(moved);
  });

  test("reports each wrong row by its index, and imports the others", async () => {
    const { devices, importRows } = await openImport();
    await devices.create({ ...DEVICE, deviceKey: "taken", customerId: "other" }, ACTOR);
    const wrong = [
      [rowOf(""), "malformed", "device_key"],
      [rowOf('"'.repeat(50)), "malformed", "device_key"],
      [rowOf("x", { customerId: "" }), "malformed", "customer_id"],
      [rowOf("x", { customerId: "nobody" }), "does_not_exist", "customer_id"],
      [rowOf("taken"), "already_exists", "device_key"],
      [rowOf("x", { displayName: "n".repeat(201) }), "malformed", "display_name"],
      [rowOf("x", { labels: { "no spaces": "" } }), "malformed", "labels"],
      [rowOf("good", { displayName: "again" }), "malformed", "device_key"],
    ] as const;
    const { failures, ...counts } = await importRows(rowOf("good"), ...wrong.map(([row]) => row), rowOf("better"));
    expect(counts).toEqual({ created: 2, updated: 0, unchanged: 0 });
    const expected = wrong.map(([, reason, field], index) => [index + 1, reason, field]);
    expect(failures.map(({ row, reason, field }) => [row, reason, field])).toEqual(expected);
    const [taken, twice] = [failures[4], failures.at(-1)];
    const cure = "Delete that device first or choose another device_key";
    expect(taken?.message).toBe(`this device_key belongs to another customer. ${cure}`);
    const first = "row 0 of this request has the same device_key (the first is row 0)";
    expect(twice?.message).toBe(`${first}. Leave one of them out`);
    // grpc-js would percent-encode these characters.
    for (const { message } of failures) expect(message).not.toMatch(/[;/?:@&=+$,#]/);
    expect(await devices.get("good")).toMatchObject({ displayName: "" });
  });

  test("audits a batch once, and not at all when nothing changes", async () => {
    const { events, importRows } = await openImport();
    const rows = [rowOf("a"), rowOf("b"), rowOf("")];
    await importRows(...rows);
    await importRows(...rows);
    await importRows(rowOf("c", { customerId: "nobody" }));
    await importRows();
    await importRows(rowOf("a", { displayName: "A" }), rowOf("d", { customerId: "other" }));
    const event = { action: "ImportDevices", resource: "devices" };
    expect((await events()).filter(({ action }) => action === "ImportDevices")).toEqual([
      { ...event, customerId: "acme", details: { created: 2, updated: 0, failed: 1 } },
      // A batch for two customers belongs to neither.
      { ...event, customerId: "", details: { created: 1, updated: 1, failed: 0 } },
    ]);
  });

  test("rejects more than 1,000 rows", async () => {
    const { importRows } = await openImport();
    const rows = Array.from({ length: 1_001 }, (_, index) => rowOf(`d${index}`));
    await expect(importRows(...rows)).rejects.toMatchObject({
      reason: "malformed",
      message: "rows has 1001 entries. Send at most 1000",
      details: { field: "rows" },
    });
    expect(await importRows(...rows.slice(1))).toEqual({ ...NONE, created: 1_000 });
  });
});

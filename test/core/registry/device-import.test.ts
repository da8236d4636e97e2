// Importing devices: the result of each row, over a real store.

import { expect, test } from "vitest";
import type { ImportRow } from "../../../src/core/registry/device-import.ts";
import { ACTOR } from "../../contracts/store-samples.ts";
import { DEVICE, openWithCustomers } from "./open-registry.ts";

function rowOf(deviceKey: string, draft: Partial<ImportRow> = {}): ImportRow {
  return { deviceKey, customerId: "acme", ...draft };
}

async function open() {
  const { registry, events } = await openWithCustomers();
  const importRows = (...rows: readonly ImportRow[]) => registry.importDevices(rows, ACTOR);
  return { devices: registry.devices, events, importRows };
}

const NONE = { created: 0, updated: 0, unchanged: 0, failures: [] };

test("a row enrols a device like create, or changes its fields like update", async () => {
  const { devices, importRows } = await open();
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
  const { devices, importRows } = await open();
  await devices.create({ ...DEVICE, deviceKey: "taken", customerId: "other" }, ACTOR);
  const { failures, ...counts } = await importRows(
    rowOf("good"),
    rowOf(""),
    rowOf('"'.repeat(50)),
    rowOf("x", { customerId: "" }),
    rowOf("x", { customerId: "nobody" }),
    rowOf("taken"),
    rowOf("x", { displayName: "n".repeat(201) }),
    rowOf("x", { labels: { "no spaces": "" } }),
    rowOf("good", { displayName: "again" }),
    rowOf("better"),
  );
  expect(counts).toEqual({ created: 2, updated: 0, unchanged: 0 });
  expect(failures.map(({ row, reason, field }) => [row, reason, field])).toEqual([
    [1, "malformed", "device_key"],
    [2, "malformed", "device_key"],
    [3, "malformed", "customer_id"],
    [4, "does_not_exist", "customer_id"],
    [5, "already_exists", "device_key"],
    [6, "malformed", "display_name"],
    [7, "malformed", "labels"],
    [8, "malformed", "device_key"],
  ]);
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
  const { events, importRows } = await open();
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
  const { importRows } = await open();
  const rows = Array.from({ length: 1_001 }, (_, index) => rowOf(`d${index}`));
  await expect(importRows(...rows)).rejects.toMatchObject({
    reason: "malformed",
    message: "rows has 1001 entries. It has at most 1000",
    details: { field: "rows" },
  });
  expect(await importRows(...rows.slice(1))).toEqual({ ...NONE, created: 1_000 });
});

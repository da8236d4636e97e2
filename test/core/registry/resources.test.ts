// Common behaviour of customers and devices: names, versions, revocation and the audit log, over a real store.

import { describe, expect, test } from "vitest";
import type { CustomerPatch } from "../../../src/core/registry/customers.ts";
import type { StoredCustomer, StoredDevice } from "../../../src/core/registry/ports.ts";
import { etagOf } from "../../../src/core/registry/resources.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { ALL, type OpenedRegistry, openWithCustomer } from "./open-registry.ts";

interface Resource {
  readonly kind: "customers" | "devices";
  readonly field: string;
  readonly generated: RegExp;
  create(opened: OpenedRegistry, name: string, draft?: CustomerPatch): Promise<StoredCustomer | StoredDevice>;
}

const nameOf = (row: StoredCustomer | StoredDevice): string => ("deviceKey" in row ? row.deviceKey : row.customerId);

const RESOURCES: readonly Resource[] = [
  {
    kind: "customers",
    field: "customer_id",
    generated: /^[0-9a-f]{16}$/,
    create: ({ registry }, customerId, draft = {}) => registry.customers.create({ customerId, ...draft }, ACTOR),
  },
  {
    kind: "devices",
    field: "device_key",
    generated: /^[0-9a-f]{24}$/,
    create: ({ registry }, deviceKey, draft = {}) =>
      registry.devices.create({ customerId: "acme", deviceKey, ...draft }, ACTOR),
  },
];

describe.each(RESOURCES)("$kind", ({ kind, field, generated, create }) => {
  /** Opens a registry with the row `one`. `changes` reads its audit events. */
  async function open(draft: CustomerPatch = {}) {
    const opened = await openWithCustomer();
    const created = await create(opened, "one", draft);
    const changes = async () =>
      (await opened.events())
        .filter(({ resource }) => resource === `${kind}/one`)
        .map(({ action, details }) => [action.replace(/(Customer|Device)(Tokens)?$/, ""), details]);
    return { ...opened, created, rows: opened.registry[kind], changes };
  }

  test("get a unique name if none is given", async () => {
    const opened = await open();
    const made = await Promise.all(Array.from({ length: 5 }, () => create(opened, "")));
    expect(new Set(made.map(nameOf)).size).toBe(5);
    for (const row of made) expect(nameOf(row)).toMatch(generated);
  });

  test("change by a patch, and lose their tokens when disabled or revoked", async () => {
    const { rows, created, clock, changes } = await open({ displayName: "One" });
    clock.now += 5;
    const disabled = await rows.update("one", { status: "disabled" }, etagOf(created), ACTOR);
    const next = { status: "disabled", tokensNotBefore: NOW + 5, updatedAt: NOW + 5, revision: 2 };
    expect(disabled).toEqual({ ...created, ...next });
    clock.now += 5;
    expect(await rows.update("one", { status: "disabled", displayName: "" }, "", ACTOR)).toMatchObject({
      displayName: "",
      tokensNotBefore: NOW + 5,
    });
    expect(await rows.revokeTokens("one", ACTOR)).toMatchObject({ tokensNotBefore: NOW + 10, revision: 4 });
    expect((await changes()).slice(1)).toEqual([
      ["Update", { status: "disabled" }],
      ["Update", { display_name: "" }],
      ["Revoke", { tokens_not_before: "2025-11-24T16:00:00.010Z" }],
    ]);
  });

  test("have no event for a patch without a difference", async () => {
    const { rows, created, clock, changes } = await open({ displayName: "One" });
    clock.now += 5;
    for (const patch of [{}, { displayName: "One", status: "enabled" } as const]) {
      expect(await rows.update("one", patch, "", ACTOR)).toEqual(created);
    }
    expect(await changes()).toHaveLength(1);
  });

  test("are changed and deleted only in the version of the etag", async () => {
    const { rows, created, changes } = await open();
    const etag = etagOf(created);
    const message = `this ${kind.slice(0, -1)} was changed after that etag was read. Read it again and repeat the change`;
    const mismatch = { reason: "etag_mismatch", message, details: { field: "etag" } };
    await rows.update("one", { displayName: "Two" }, "", ACTOR);
    for (const change of [
      rows.update("one", { displayName: "Three" }, etag, ACTOR),
      rows.update("one", {}, "x", ACTOR),
      rows.delete("one", etag, ACTOR),
    ]) {
      await expect(change).rejects.toMatchObject(mismatch);
    }
    const current = await rows.get("one");
    expect(current.displayName).toBe("Two");
    const outcomes = await Promise.allSettled(
      ["Three", "Four"].map((displayName) => rows.update("one", { displayName }, etagOf(current), ACTOR)),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await rows.delete("one", etagOf(await rows.get("one")), ACTOR);
    await expect(rows.get("one")).rejects.toMatchObject({ reason: "does_not_exist" });
    expect((await changes()).at(-1)).toEqual(["Delete", {}]);
  });

  test("are listed by name, a page at a time, with filters", async () => {
    const opened = await open({ status: "disabled" });
    for (const name of ["two", "three"]) await create(opened, name);
    const filter = `create_time < -0s AND ${field} != acme`;
    opened.clock.now += 1;
    const first = await opened.rows.list({ ...ALL, filter, pageSize: 2 });
    const last = await opened.rows.list({ ...ALL, filter, pageSize: 2, pageToken: first.nextPageToken });
    expect([first.items.map(nameOf), last.items.map(nameOf)]).toEqual([["one", "three"], ["two"]]);
    expect(last.nextPageToken).toBe("");
    const { items } = await opened.rows.list({ ...ALL, filter: "status = disabled" });
    expect(items.map(nameOf)).toEqual(["one"]);
  });

  test.for([
    ["nobody", "does_not_exist"],
    ["", "malformed"],
    ["\0", "malformed"],
  ] as const)("by the name %j are %s", async ([name, reason]) => {
    const { rows } = await open();
    for (const call of [
      rows.get(name),
      rows.update(name, {}, "", ACTOR),
      rows.delete(name, "", ACTOR),
      rows.revokeTokens(name, ACTOR),
    ]) {
      await expect(call).rejects.toMatchObject({ reason, details: { field } });
    }
  });
});

test("an etag differs for each revision, and for a row created again", () => {
  const etags = [1, 2, 10, 11].flatMap((revision) => [5, 50].map((createdAt) => etagOf({ revision, createdAt })));
  expect(new Set(etags).size).toBe(8);
  for (const etag of etags) expect(etag).toMatch(/^"[\w-]+"$/);
});

// Customers, and the rules they share with devices, over a real store.

import { describe, expect, test } from "vitest";
import type { CustomerDraft, CustomerPatch } from "../../../src/core/registry/customers.ts";
import type { StoredCustomer, StoredDevice } from "../../../src/core/registry/ports.ts";
import { etagOf } from "../../../src/core/registry/resources.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { ALL, openRegistry, openWithCustomers } from "./open-registry.ts";

const ACME: CustomerDraft = { customerId: "acme", displayName: "Acme", status: "enabled", loginLimit: "20/60s" };

test("a customer is created unchanged, with an audit event", async () => {
  const { registry } = await openRegistry();
  const created = await registry.customers.create(ACME, ACTOR);
  expect(created).toEqual({ ...ACME, tokensNotBefore: 0, createdAt: NOW, updatedAt: NOW, revision: 1 });
  expect(await registry.customers.get("acme")).toEqual(created);
  const details = { display_name: "Acme", status: "enabled", login_limit: "20/60s" };
  const event = { actor: ACTOR, at: NOW, action: "CreateCustomer", resource: "customers/acme", customerId: "acme" };
  expect((await registry.listAuditEvents(ALL)).items).toMatchObject([{ ...event, details }]);
});

test.for<[Partial<CustomerDraft>, string, string]>([
  [{ customerId: "Acme" }, "customer_id", "customer_id is malformed. Send 1 to 16 lower-case letters"],
  [{ displayName: "x".repeat(201) }, "display_name", "display_name has 201 characters"],
  [{ loginLimit: "20" }, "login_limit", "login_limit is not a limit. Write off or a number of logins and a slash"],
  [{ loginLimit: "0/60s" }, "login_limit", "login_limit is not a limit"],
  [{ loginLimit: "20/2h" }, "login_limit", "login_limit is not a limit"],
  [{ loginLimit: " 20/60s" }, "login_limit", "login_limit is not a limit"],
])("a customer with %j is malformed, and nothing is written", async ([draft, field, message]) => {
  const { registry, events } = await openWithCustomers();
  const { customerId = "other", ...patch } = draft;
  for (const call of [
    registry.customers.create({ ...ACME, customerId: "new", ...draft }, ACTOR),
    registry.customers.update(customerId, patch, "", ACTOR),
  ]) {
    const error = { reason: "malformed", message: expect.stringContaining(message), details: { field } };
    await expect(call).rejects.toMatchObject(error);
    // grpc-js would percent-encode these characters.
    await expect(call).rejects.not.toThrow(/[;/?:@&=+$,#]/);
  }
  expect(await events()).toHaveLength(2);
});

describe.each([
  ["customers", "customer_id", /^[0-9a-f]{16}$/],
  ["devices", "device_key", /^[0-9a-f]{24}$/],
] as const)("%s", (kind, field, generated) => {
  /** Opens a registry with the row `one`. `changes` reads its audit events. */
  async function open(draft: CustomerPatch = {}) {
    const opened = await openWithCustomers();
    const { customers, devices } = opened.registry;
    const create = (name: string): Promise<StoredCustomer | StoredDevice> =>
      kind === "customers"
        ? customers.create({ customerId: name, ...draft }, ACTOR)
        : devices.create({ customerId: "acme", deviceKey: name, ...draft }, ACTOR);
    const created = await create("one");
    const changes = async () =>
      (await opened.events())
        .filter(({ resource }) => resource === `${kind}/one`)
        .map(({ action, details }) => [action.replace(/(Customer|Device)(Tokens)?$/, ""), details]);
    return { ...opened, create, created, rows: opened.registry[kind], changes };
  }

  test("get a unique name if none is given", async () => {
    const { create } = await open();
    const made = await Promise.all(Array.from({ length: 5 }, () => create("")));
    const names = made.map((row) => ("deviceKey" in row ? row.deviceKey : row.customerId));
    expect(new Set(names).size).toBe(5);
    for (const name of names) expect(name).toMatch(generated);
  });

  test("change by a patch, and lose their tokens when disabled or revoked", async () => {
    const { rows, created, clock, changes } = await open({ displayName: "One" });
    clock.now += 5;
    // A patch without a difference is no change.
    for (const patch of [{}, { displayName: "One", status: "enabled" } as const]) {
      expect(await rows.update("one", patch, "", ACTOR)).toEqual(created);
    }
    const disabled = await rows.update("one", { status: "disabled" }, etagOf(created), ACTOR);
    const next = { status: "disabled", tokensNotBefore: NOW + 5, updatedAt: NOW + 5, revision: 2 };
    expect(disabled).toEqual({ ...created, ...next });
    clock.now += 5;
    const renamed = await rows.update("one", { status: "disabled", displayName: "" }, "", ACTOR);
    expect(renamed).toMatchObject({ displayName: "", tokensNotBefore: NOW + 5 });
    expect(await rows.revokeTokens("one", ACTOR)).toMatchObject({ tokensNotBefore: NOW + 10, revision: 4 });
    expect((await changes()).slice(1)).toEqual([
      ["Update", { status: "disabled" }],
      ["Update", { display_name: "" }],
      ["Revoke", { tokens_not_before: "2025-11-24T16:00:00.010Z" }],
    ]);
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

  test.for([
    ["nobody", "does_not_exist"],
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

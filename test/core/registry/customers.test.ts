// Customers, as operators see to them, over a real store.

import { describe, expect, test } from "vitest";
import type { CustomerDraft } from "../../../src/core/registry/customers.ts";
import { etagOf } from "../../../src/core/registry/pages.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { refusalFrom } from "../refusal.ts";
import { ALL, openRegistry } from "./open-registry.ts";

const DRAFT: CustomerDraft = { customerId: "acme", displayName: "Acme", status: "enabled", loginLimit: "" };

test("enrols a customer under the name it is given, and tells the audit log", async () => {
  const { registry, events } = await openRegistry();
  const created = await registry.customers.create({ ...DRAFT, loginLimit: "20/60s" }, ACTOR);
  expect(created).toEqual({
    ...DRAFT,
    loginLimit: "20/60s",
    tokensNotBefore: 0,
    createdAt: NOW,
    updatedAt: NOW,
    revision: 1,
  });
  expect(await registry.customers.get("acme")).toEqual(created);
  expect(await events()).toEqual([
    {
      action: "CreateCustomer",
      resource: "customers/acme",
      customerId: "acme",
      details: { display_name: "Acme", status: "enabled", login_limit: "20/60s" },
    },
  ]);
  const [event] = (await registry.audit.list(ALL)).items;
  expect(event).toMatchObject({ actor: ACTOR, at: NOW });
});

test("makes names that are not alike, and short enough for a token", async () => {
  const { registry } = await openRegistry();
  const names = new Set<string>();
  for (let made = 0; made < 20; made++) {
    names.add((await registry.customers.create({ ...DRAFT, customerId: "" }, ACTOR)).customerId);
  }
  expect(names.size).toBe(20);
  for (const name of names) expect(name).toMatch(/^[0-9a-f]{16}$/);
});

describe("refuses what is malformed, and writes nothing", () => {
  test.for<[Partial<CustomerDraft>, string, string]>([
    [{ customerId: "Acme" }, "customer_id", "customer_id is not of 1 to 16 small letters"],
    [{ displayName: "x".repeat(201) }, "display_name", "display_name has 201 characters"],
    [{ loginLimit: "20" }, "login_limit", "login_limit is no limit. Write off or a number of logins and a slash"],
    [{ loginLimit: "0/60s" }, "login_limit", "login_limit is no limit"],
    [{ loginLimit: "20/2h" }, "login_limit", "login_limit is no limit"],
    [{ loginLimit: " 20/60s" }, "login_limit", "login_limit is no limit"],
  ])("%j", async ([draft, field, message]) => {
    const { registry, events } = await openRegistry();
    await registry.customers.create({ ...DRAFT, customerId: "other" }, ACTOR);
    const { customerId: _name, ...patch } = draft;
    const attempts = [() => registry.customers.create({ ...DRAFT, ...draft }, ACTOR)];
    if (draft.customerId === undefined) attempts.push(() => registry.customers.update("other", patch, "", ACTOR));
    for (const attempt of attempts) {
      const refusal = await refusalFrom(attempt());
      expect(refusal.reason).toBe("malformed");
      expect(refusal.message).toContain(message);
      expect(refusal.message).not.toMatch(/[;/?:@&=+$,#]/);
      expect(refusal.details).toEqual({ field });
    }
    expect(await events()).toHaveLength(1);
  });
});

test("changes what a patch has and nothing else, and tells what is new", async () => {
  const { registry, clock, events } = await openRegistry();
  const created = await registry.customers.create({ ...DRAFT, loginLimit: "off" }, ACTOR);
  clock.now += 5;
  const updated = await registry.customers.update("acme", { status: "disabled" }, etagOf(created), ACTOR);
  expect(updated).toEqual({
    ...created,
    status: "disabled",
    // Tokens that were issued before are revoked.
    tokensNotBefore: NOW + 5,
    updatedAt: NOW + 5,
    revision: 2,
  });
  expect(await registry.customers.update("acme", { displayName: "", loginLimit: "" }, "", ACTOR)).toMatchObject({
    displayName: "",
    loginLimit: "",
    status: "disabled",
  });
  expect((await events()).slice(1)).toEqual([
    { action: "UpdateCustomer", resource: "customers/acme", customerId: "acme", details: { status: "disabled" } },
    {
      action: "UpdateCustomer",
      resource: "customers/acme",
      customerId: "acme",
      details: { display_name: "", login_limit: "" },
    },
  ]);
});

test("a patch that changes nothing writes nothing", async () => {
  const { registry, clock, events } = await openRegistry();
  const created = await registry.customers.create(DRAFT, ACTOR);
  clock.now += 5;
  for (const patch of [{}, { displayName: "Acme", status: "enabled", loginLimit: "" } as const]) {
    expect(await registry.customers.update("acme", patch, "", ACTOR)).toEqual(created);
  }
  expect(await events()).toHaveLength(1);
});

test("changes and deletes only the version that an etag names", async () => {
  const { registry, events } = await openRegistry();
  const etag = etagOf(await registry.customers.create(DRAFT, ACTOR));
  await registry.customers.update("acme", { displayName: "Two" }, "", ACTOR);
  for (const attempt of [
    () => registry.customers.update("acme", { displayName: "Three" }, etag, ACTOR),
    () => registry.customers.update("acme", {}, etag, ACTOR),
    () => registry.customers.delete("acme", etag, ACTOR),
  ]) {
    expect((await refusalFrom(attempt())).reason).toBe("etag_mismatch");
  }
  const current = await registry.customers.get("acme");
  expect(current.displayName).toBe("Two");
  await registry.customers.delete("acme", etagOf(current), ACTOR);
  expect((await refusalFrom(registry.customers.get("acme"))).reason).toBe("does_not_exist");
  expect((await events()).at(-1)).toEqual({
    action: "DeleteCustomer",
    resource: "customers/acme",
    customerId: "acme",
    details: {},
  });
});

test("two changes to one version: one is made", async () => {
  const { registry } = await openRegistry();
  const etag = etagOf(await registry.customers.create(DRAFT, ACTOR));
  const outcomes = await Promise.allSettled(
    ["Two", "Three"].map((displayName) => registry.customers.update("acme", { displayName }, etag, ACTOR)),
  );
  expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("lists customers by name, a page at a time, with filters", async () => {
  const { registry } = await openRegistry();
  for (const customerId of ["c", "a", "b"]) {
    await registry.customers.create(
      { ...DRAFT, customerId, status: customerId === "b" ? "disabled" : "enabled" },
      ACTOR,
    );
  }
  const first = await registry.customers.list({ ...ALL, pageSize: 2 });
  expect(first.items.map(({ customerId }) => customerId)).toEqual(["a", "b"]);
  const last = await registry.customers.list({ ...ALL, pageSize: 2, pageToken: first.nextPageToken });
  expect(last.items.map(({ customerId }) => customerId)).toEqual(["c"]);
  expect(last.nextPageToken).toBe("");
  const filtered = await registry.customers.list({ ...ALL, filter: 'status = enabled AND customer_id != "a"' });
  expect(filtered.items.map(({ customerId }) => customerId)).toEqual(["c"]);
});

test("says what is not there, and what no name can be", async () => {
  const { registry } = await openRegistry();
  for (const ask of [
    () => registry.customers.get("nobody"),
    () => registry.customers.update("nobody", {}, "", ACTOR),
    () => registry.customers.delete("nobody", "", ACTOR),
  ]) {
    const refusal = await refusalFrom(ask());
    expect(refusal.reason).toBe("does_not_exist");
    expect(refusal.message).toBe("no customer has this customer_id");
  }
  for (const name of ["", "\0", "A"]) {
    for (const ask of [
      () => registry.customers.get(name),
      () => registry.customers.update(name, {}, "", ACTOR),
      () => registry.customers.delete(name, "", ACTOR),
    ]) {
      expect((await refusalFrom(ask())).reason).toBe("malformed");
    }
  }
});

// Customers as operators create and change them, over a real store.

import { expect, test } from "vitest";
import type { CustomerDraft } from "../../../src/core/registry/customers.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { ALL, openRegistry } from "./open-registry.ts";

const ACME: CustomerDraft = { customerId: "acme", displayName: "Acme", status: "enabled", loginLimit: "20/60s" };

test("a customer is created as given, with an event", async () => {
  const { registry } = await openRegistry();
  const created = await registry.customers.create(ACME, ACTOR);
  expect(created).toEqual({ ...ACME, tokensNotBefore: 0, createdAt: NOW, updatedAt: NOW, revision: 1 });
  expect(await registry.customers.get("acme")).toEqual(created);
  expect((await registry.listAuditEvents(ALL)).items).toMatchObject([
    {
      actor: ACTOR,
      at: NOW,
      action: "CreateCustomer",
      resource: "customers/acme",
      customerId: "acme",
      details: { display_name: "Acme", status: "enabled", login_limit: "20/60s" },
    },
  ]);
});

test.for<[Partial<CustomerDraft>, string, string]>([
  [{ customerId: "Acme" }, "customer_id", "customer_id is not of 1 to 16 small letters"],
  [{ displayName: "x".repeat(201) }, "display_name", "display_name has 201 characters"],
  [{ loginLimit: "20" }, "login_limit", "login_limit is no limit. Write off or a number of logins and a slash"],
  [{ loginLimit: "0/60s" }, "login_limit", "login_limit is no limit"],
  [{ loginLimit: "20/2h" }, "login_limit", "login_limit is no limit"],
  [{ loginLimit: " 20/60s" }, "login_limit", "login_limit is no limit"],
])("%j is malformed, and nothing is written", async ([draft, field, message]) => {
  const { registry, events } = await openRegistry();
  await registry.customers.create({ ...ACME, customerId: "other" }, ACTOR);
  const { customerId = "other", ...patch } = draft;
  for (const call of [
    registry.customers.create({ ...ACME, ...draft }, ACTOR),
    registry.customers.update(customerId, patch, "", ACTOR),
  ]) {
    const error = { reason: "malformed", message: expect.stringContaining(message), details: { field } };
    await expect(call).rejects.toMatchObject(error);
    // grpc-js shows these percent-encoded.
    await expect(call).rejects.not.toThrow(/[;/?:@&=+$,#]/);
  }
  expect(await events()).toHaveLength(1);
});

// Customers as operators create and change them, and the audit log as they read it, over a real store.

import { expect, test } from "vitest";
import type { CustomerDraft } from "../../../src/core/registry/customers.ts";
import { ACTOR, entryOf, NOW } from "../../contracts/store-samples.ts";
import { ALL, openRegistry } from "./open-registry.ts";

const ACME: CustomerDraft = { customerId: "acme", displayName: "Acme", status: "enabled", loginLimit: "20/60s" };

test("a customer is created unchanged, with an audit event", async () => {
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
  [{ customerId: "Acme" }, "customer_id", "customer_id is not 1 to 16 lower-case letters"],
  [{ displayName: "x".repeat(201) }, "display_name", "display_name has 201 characters"],
  [{ loginLimit: "20" }, "login_limit", "login_limit is not a limit. Write off or a number of logins and a slash"],
  [{ loginLimit: "0/60s" }, "login_limit", "login_limit is not a limit"],
  [{ loginLimit: "20/2h" }, "login_limit", "login_limit is not a limit"],
  [{ loginLimit: " 20/60s" }, "login_limit", "login_limit is not a limit"],
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
    // grpc-js would percent-encode these characters.
    await expect(call).rejects.not.toThrow(/[;/?:@&=+$,#]/);
  }
  expect(await events()).toHaveLength(1);
});

test("the audit log is listed by filters, the newest event first", async () => {
  const { registry, store } = await openRegistry();
  for (const [index, action] of ["A", "B", "C"].entries()) {
    await store.audit.append(
      entryOf(action, { at: NOW + index * 1_000, actor: { ...ACTOR, operator: `op ${index}` } }),
    );
  }
  const list = async (filter: string): Promise<string> =>
    (await registry.listAuditEvents({ ...ALL, filter })).items.map(({ action }) => action).join("");
  expect(await list("")).toBe("CBA");
  expect(await list('operator = "op 2" AND action = C')).toBe("C");
  expect(await list("token_id = 0a1b2c3d AND resource = devices/device-1 AND customer_id = customer-1")).toBe("CBA");
  expect(await list('time > "2025-11-24T16:00:00Z" AND time < "2025-11-24T16:00:02Z"')).toBe("B");
  const first = await registry.listAuditEvents({ ...ALL, pageSize: 2 });
  const last = await registry.listAuditEvents({ ...ALL, pageSize: 2, pageToken: first.nextPageToken });
  expect(last.items.map(({ action }) => action)).toEqual(["A"]);
});

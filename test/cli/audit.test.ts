// `countersign audit`, against a real gateway.

import { expect, onTestFinished, test } from "vitest";
import { openOperator } from "./operator.ts";

test("list prints changes, the newest first, with the operator and the changed fields", async () => {
  const { gateway, operate, operateJson } = await openOperator();
  onTestFinished(() => gateway.close());
  await operate(["customers", "create", "--name", "One", "--customer-id", "acme"]);
  await operate(["customers", "update", "acme", "--name", "Two"]);
  const [issued] = await operateJson(["customer-keys", "issue", "--customer", "acme"]);
  const events = await operateJson(["audit", "list", "--filter", "customer_id = acme"]);
  expect(events.map(({ action }) => action)).toEqual(["IssueCustomerKey", "UpdateCustomer", "CreateCustomer"]);
  expect(events[1]).toMatchObject({
    resource: "customers/acme",
    details: { display_name: "Two" },
    operator: expect.stringMatching(/^[\x20-\x7e]+@[\x20-\x7e]+$/),
    address: "127.0.0.1",
  });
  expect(JSON.stringify(events)).not.toContain(String(issued?.["customer_key"]));

  const { stdout } = await operate(["audit", "list", "--filter", "customer_id = acme", "--limit", "2"]);
  const [head, ...lines] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^time +token_id +operator +address +action +resource +details$/);
  expect(lines).toEqual([expect.stringContaining("IssueCustomerKey"), expect.stringContaining("display_name=Two")]);
});

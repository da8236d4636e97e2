// `countersign audit`, against a real gateway.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type Operator, openOperator } from "./operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

test("changes are told, the newest first, with what changed", async () => {
  const { operate, operateJson } = operator;
  await operate(["customers", "create", "--name", "One", "--customer-id", "told"]);
  await operate(["customers", "update", "told", "--name", "Two"]);
  const [issued] = await operateJson(["customer-keys", "issue", "--customer", "told"]);
  const events = await operateJson(["audit", "list", "--filter", "customer_id = told"]);
  expect(events.map(({ action }) => action)).toEqual(["IssueCustomerKey", "UpdateCustomer", "CreateCustomer"]);
  expect(events[1]).toMatchObject({ resource: "customers/told", details: { display_name: "Two" } });
  expect(JSON.stringify(events)).not.toContain(String(issued?.["customer_key"]));

  const { stdout } = await operate(["audit", "list", "--filter", "customer_id = told", "--limit", "2"]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^time +token_id +operator +address +action +resource +details$/);
  expect(lines.slice(1).map((line) => /\w+(?= +customer)/.exec(line)?.[0])).toEqual([
    "IssueCustomerKey",
    "UpdateCustomer",
  ]);
  expect(lines[2]).toContain("display_name=Two");
});

test("a filter that is none is refused with its reason", async () => {
  const { status, stderr } = await operator.operate(["audit", "list", "--filter", "colour = red", "--json"]);
  expect(status).toBe(1);
  expect(JSON.parse(stderr)).toMatchObject({ error: { reason: "malformed", field: "filter" } });
});

// `countersign customers`, against a real gateway.

import { hostname } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Operator, openOperator } from "./operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

test("one is created, shown, changed, disabled, enabled and deleted", async () => {
  const { operate, operateJson } = operator;
  const [made] = await operateJson(["customers", "create", "--name", "Acme", "--customer-id", "acme"]);
  expect(made).toEqual({ customer_id: "acme" });

  const shown = await operate(["customers", "show", "acme"]);
  expect(shown.stdout).toMatch(/^customer_id +acme\ndisplay_name +Acme\nstatus +enabled\n/);

  const [changed] = await operateJson(["customers", "update", "acme", "--name", "Acme Ltd", "--login-limit", "20/60s"]);
  expect(changed).toMatchObject({ display_name: "Acme Ltd", login_limit: "20/60s", status: "STATUS_ENABLED" });
  const [back] = await operateJson(["customers", "update", "acme", "--login-limit", ""]);
  expect(back).toMatchObject({ display_name: "Acme Ltd", login_limit: "" });

  expect((await operate(["customers", "disable", "acme"])).stdout).toBe("customer acme is disabled\n");
  const [disabled] = await operateJson(["customers", "list", "--filter", 'status = "disabled"']);
  expect(disabled).toMatchObject({ customer_id: "acme", status: "STATUS_DISABLED" });
  expect((await operate(["customers", "enable", "acme"])).stdout).toBe("customer acme is enabled\n");

  const stale = await operate(["customers", "delete", "acme", "--etag", '"another"']);
  expect([stale.status, stale.stderr]).toEqual([1, expect.stringContaining("etag_mismatch")]);
  expect((await operate(["customers", "delete", "acme"])).stdout).toBe("customer acme is deleted\n");
  const gone = await operate(["customers", "show", "acme", "--json"]);
  expect(gone.status).toBe(1);
  expect(JSON.parse(gone.stderr)).toMatchObject({ error: { reason: "does_not_exist", field: "customer_id" } });
});

test("a list is in columns, with a line for each", async () => {
  const { operate } = operator;
  await operate(["customers", "create", "--name", "One", "--customer-id", "columns-1"]);
  await operate(["customers", "create", "--name", "Two", "--customer-id", "columns-2", "--login-limit", "off"]);
  const { stdout } = await operate(["customers", "list", "--limit", "2"]);
  const [head = "", ...lines] = stdout.trimEnd().split("\n");
  expect(head.split(/ +/)).toEqual(["customer_id", "status", "login_limit", "create_time", "display_name"]);
  expect(lines).toHaveLength(2);
  const at = head.indexOf("status");
  for (const line of lines) expect(line.slice(at - 2, at + 7)).toBe("  enabled");
});

test("the audit log says who did it, as the command line tells", async () => {
  const { operate, operateJson } = operator;
  await operate(["customers", "create", "--name", "Audited", "--customer-id", "audited"]);
  const [event] = await operateJson(["audit", "list", "--filter", 'resource = "customers/audited"']);
  expect(event).toMatchObject({ action: "CreateCustomer", address: "127.0.0.1" });
  expect(event?.["operator"]).toMatch(/^[\x20-\x7e]+@[\x20-\x7e]+$/);
  expect(event?.["operator"]).toContain(
    hostname()
      .slice(0, 20)
      .replaceAll(/[^\x20-\x7e]/g, "_"),
  );
});

test.each([
  [["customers", "update", "acme"], "say what to change"],
  [["customers", "create"], "--name"],
  [["customers", "list", "--limit", "0"], "whole number from 1"],
  [["customers", "show"], "missing required argument"],
])("%j is asked wrongly, and told so", async (args, message) => {
  const { status, stdout, stderr } = await operator.operate(args);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(message);
});

// `countersign customers`, and common behaviour of commands: tables, usage errors, questions on a terminal.

import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { startFileOperator } from "./operator.ts";

const operator = await startFileOperator();

test("a customer is created, shown, changed, disabled, enabled and deleted", async () => {
  const { operate, operateJson } = operator;
  const [created] = await operateJson(["customers", "create", "--name", "Acme", "--customer-id", "acme"]);
  expect(created).toEqual({ customer_id: "acme" });

  const shown = await operate(["customers", "show", "acme"]);
  expect(shown.stdout).toMatch(/^customer_id +acme\ndisplay_name +Acme\nstatus +enabled\n/);

  const [changed] = await operateJson(["customers", "update", "acme", "--name", "Acme Ltd", "--login-limit", "20/60s"]);
  expect(changed).toMatchObject({ display_name: "Acme Ltd", login_limit: "20/60s", status: "STATUS_ENABLED" });
  const [reset] = await operateJson(["customers", "update", "acme", "--login-limit", ""]);
  expect(reset).toMatchObject({ display_name: "Acme Ltd", login_limit: "" });

  expect((await operate(["customers", "disable", "acme"])).stdout).toBe("customer acme is disabled\n");
  const [disabled] = await operateJson(["customers", "list", "--filter", 'status = "disabled"']);
  expect(disabled).toMatchObject({ customer_id: "acme", status: "STATUS_DISABLED" });
  expect((await operate(["customers", "enable", "acme"])).stdout).toBe("customer acme is enabled\n");

  expect((await operate(["customers", "delete", "acme"])).stdout).toBe("customer acme is deleted\n");
  const missing = await operate(["customers", "show", "acme", "--json"]);
  expect(missing.status).toBe(1);
  expect(JSON.parse(missing.stderr)).toMatchObject({ error: { reason: "does_not_exist", field: "customer_id" } });
});

test("a list is a table with aligned columns", async () => {
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

test.each([
  ["customers update acme", "nothing to change"],
  ["customers create", "--name"],
  ["customers list --limit 0", "whole number from 1"],
  ["customers show", "missing required argument"],
  ["customers shw", "Did you mean show?"],
  ["tokens revoke a --jsn", "too many arguments"],
  ["devices update pump-7", "nothing to change"],
  ["devices update pump-7 --label a=b --no-labels", "cannot be used with option"],
  ["devices update pump-7 --public-key-file - --no-public-key", "cannot be used with option"],
  ["devices update pump-7 --label =b", "a name and a value"],
  ["devices update pump-7 --key-mode other", "Allowed choices are shared, derived"],
  ["devices derive-key", "missing required argument"],
  ["devices disable", "name devices, or select them by --filter"],
  ["devices disable pump-7 --failing", "name devices, or select them by --filter"],
  ["devices label site --failing", "write a name and a value"],
  ["operators issue --name eve --expires-in soon", "Write a number and d, h or m, as in 30d."],
  ["customer-keys issue --customer x --import a --output b", "cannot be used with option"],
  ["customer-keys issue --customer x --expires-at 2026-01-31", "RFC 3339"],
  ["customer-keys issue --customer x --expires-at 2027-02-31T00:00:00Z", "RFC 3339"],
  ["customer-keys issue --customer x --expires-at 2027-02-29T23:00:00+01:00", "RFC 3339"],
  ["explain --device-key a --body /nowhere/request.json", "/nowhere/request.json cannot be read (ENOENT)"],
  ["sign --device-key a", "the secret is missing"],
])("%s has exit status 2 and names the mistake", async (words, message) => {
  const { status, stdout, stderr } = await operator.operate(words.split(" "));
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(message);
});

test.each([
  ["y\n", [], 0, "Delete customer asked and its keys? [y/N] "],
  ["YES\n", [], 0, "Delete customer asked and its keys? [y/N] "],
  ["n\n", [], 1, "Delete customer asked and its keys? [y/N] countersign: nothing was changed\n"],
  ["\n", [], 1, "Delete customer asked and its keys? [y/N] countersign: nothing was changed\n"],
  ["", [], 1, "Delete customer asked and its keys? [y/N] countersign: nothing was changed\n"],
  ["", ["--yes"], 0, ""],
] as const)("on a terminal, delete asks first: %j %j", async (typed, flags, status, stderr) => {
  const { operate } = operator;
  await operate(["customers", "create", "--name", "Asked", "--customer-id", "asked"]);
  const input = Object.assign(Readable.from([Buffer.from(typed)]), { isTTY: true });
  expect(await operate(["customers", "delete", "asked", ...flags], { input })).toMatchObject({ status, stderr });
});

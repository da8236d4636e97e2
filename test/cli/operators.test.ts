// `countersign operators` and `audit`, against a real gateway.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../program.ts";
import { startFileOperator } from "./operator.ts";

const operator = await startFileOperator();

test("a token is issued and used, listed and revoked", async () => {
  const [issued] = await operator.operateJson(["operators", "issue", "--name", "ada", "--role", "admin"]);
  const { token_id, admin_token } = issued ?? {};
  const env = { COUNTERSIGN_ADMIN_TOKEN: String(admin_token) };
  const revoked = await operator.operate(["operators", "revoke", String(token_id)], { env });
  expect(revoked.stdout).toBe(`admin token ${token_id} of ada is revoked\n`);
  const listed = await operator.operateJson(["operators", "list"]);
  expect(listed.find((token) => token["token_id"] === token_id)).toMatchObject({
    name: "ada",
    role: "OPERATOR_ROLE_ADMIN",
    revoke_time: expect.any(String),
  });
});

test("a token with the role read is written to a file, which commands take it from", async () => {
  const output = join(temporaryFolder(), "token");
  const issue = ["operators", "issue", "--name", "bob", "--expires-in", "12h", "--output", output];
  const { stdout } = await operator.operate(issue);
  expect(stdout).toMatch(/^token_id \w{8}\nIt is in \S+ and is not shown again\.\n$/);
  expect(readFileSync(output, "utf8")).toMatch(/^cst_[\w-]{43}\n$/);
  const env = { COUNTERSIGN_ADMIN_TOKEN_FILE: output, COUNTERSIGN_ADMIN_TOKEN: "" };
  const { status, stderr } = await operator.operate(["customers", "create", "--name", "Bob's"], { env });
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^countersign: read_only: /)]);
});

test("audit list prints changes, the newest first, with the operator and the changed fields", async () => {
  const { operate, operateJson } = operator;
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

// The commands on operators' admin tokens.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { type Operator, openOperator } from "./operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

test("a token is issued, used, seen in the audit log by name, and revoked", async () => {
  const [issued] = await operator.operateJson(["operators", "issue", "--name", "ada", "--role", "admin"]);
  const token = { env: { COUNTERSIGN_ADMIN_TOKEN: String(issued?.["admin_token"]) } };
  const create = ["customers", "create", "--name", "Ada's", "--customer-id", "of-ada"];
  expect(await operator.operate(create, token)).toMatchObject({ status: 0 });
  const [event] = await operator.operateJson(["audit", "list", "--filter", 'resource = "customers/of-ada"']);
  expect(event).toMatchObject({ operator: "ada", token_id: issued?.["token_id"] });

  const revoke = ["operators", "revoke", String(issued?.["token_id"])];
  expect((await operator.operate(revoke)).stdout).toBe(`admin token ${issued?.["token_id"]} of ada is revoked\n`);
  const { status, stderr } = await operator.operate(["customers", "list"], token);
  expect([status, stderr]).toEqual([1, expect.stringContaining("this admin token was revoked. Ask for another")]);
  const listed = await operator.operateJson(["operators", "list"]);
  expect(listed.find(({ token_id }) => token_id === issued?.["token_id"])).toMatchObject({
    name: "ada",
    role: "OPERATOR_ROLE_ADMIN",
    revoke_time: expect.any(String),
  });
});

test("a token that may read is written to a file, and changes nothing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const output = join(folder, "token");
  const issue = ["operators", "issue", "--name", "bob", "--expires-in", "12h", "--output", output];
  const { stdout } = await operator.operate(issue);
  expect(stdout).toMatch(/^token_id \w{8}\nIt is in \S+ and is not shown again\.\n$/);
  expect(readFileSync(output, "utf8")).toMatch(/^cst_[\w-]{43}\n$/);
  const env = { COUNTERSIGN_ADMIN_TOKEN_FILE: output, COUNTERSIGN_ADMIN_TOKEN: "" };
  expect(await operator.operate(["customers", "list"], { env })).toMatchObject({ status: 0 });
  const { status, stderr } = await operator.operate(["customers", "create", "--name", "Bob's"], { env });
  expect([status, stderr]).toEqual([1, expect.stringMatching(/^countersign: read_only: /)]);
});

test("a time span is a number and a unit", async () => {
  const { status, stderr } = await operator.operate(["operators", "issue", "--name", "eve", "--expires-in", "soon"]);
  expect([status, stderr]).toEqual([2, expect.stringContaining("Write a number and d, h or m, as in 30d.")]);
});

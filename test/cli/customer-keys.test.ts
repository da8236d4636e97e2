// `countersign customer-keys`, as processes of their own against a real gateway.

import { afterAll, beforeAll, expect, test } from "vitest";
import { type Operator, openOperator } from "./operator.ts";

let operator: Operator;
beforeAll(async () => {
  operator = await openOperator();
});
afterAll(() => operator.gateway.close());

async function customer(id: string): Promise<string> {
  await operator.operateJson(["customers", "create", "--name", id, "--customer-id", id]);
  return id;
}

test("a key is issued, listed without its secret, counted and retired", async () => {
  const { operate, operateJson } = operator;
  const id = await customer("rotates");
  const dates = ["--not-before", "2025-01-31T12:00:00Z", "--expires-at", "2099-01-31T12:00:00+01:00"];
  const [issued] = await operateJson(["customer-keys", "issue", "--customer", id, ...dates]);
  expect(issued).toEqual({
    key_id: expect.stringMatching(/^\w+$/),
    customer_key: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  const keyId = String(issued?.["key_id"]);

  const listed = await operate(["customer-keys", "list", "--customer", id]);
  expect(listed.stdout).toMatch(
    new RegExp(`^key_id .*\\n${keyId}  login    live   2025-01-31T12:00:00Z  2099-01-31T11:00:00Z `),
  );
  expect(listed.stdout).not.toContain(String(issued?.["customer_key"]));

  await operateJson(["devices", "create", "--customer", id, "--device-key", "silent"]);
  const usage = await operate(["customer-keys", "usage", "--customer", id]);
  expect(usage.stdout).toMatch(new RegExp(`${keyId} .* 0 .*\\n1 device has not logged in yet\\n$`));

  const dry = await operate(["customer-keys", "retire", keyId, "--dry-run"]);
  expect(dry.stdout).toBe(
    `key ${keyId} would be retired\nstopped_devices  1\nsilent_devices   1\nother_live_keys  0\n`,
  );
  expect((await operateJson(["customer-keys", "list", "--customer", id]))[0]).toMatchObject({
    state: "KEY_STATE_LIVE",
  });
  expect((await operate(["customer-keys", "retire", keyId])).stdout).toContain(`key ${keyId} is retired\n`);
  const [retired] = await operateJson(["customer-keys", "list", "--customer", id]);
  expect(retired).toMatchObject({ key_id: keyId, state: "KEY_STATE_RETIRED" });
});

test("one that is flashed already is imported from standard input, with a warning where it is short", async () => {
  const id = await customer("imports");
  const args = ["customer-keys", "issue", "--customer", id, "--import", "-"];
  const { stdout, stderr } = await operator.operate(args, { input: "hunter2\n" });
  expect(stdout).toContain("customer_key hunter2\n");
  expect(stderr).toContain("can be guessed");
  const again = await operator.operate([...args, "--json"], { input: "hunter2" });
  expect(again.status).toBe(1);
  expect(JSON.parse(again.stderr)).toMatchObject({ error: { reason: "already_exists", field: "imported_key" } });
  expect(again.stderr).not.toContain("hunter2");
});

test.each([
  ["2026-01-31", "RFC 3339"],
  ["tomorrow", "RFC 3339"],
])("a time like %s is asked wrongly", async (time, message) => {
  const { status, stderr } = await operator.operate([
    "customer-keys",
    "issue",
    "--customer",
    "x",
    "--expires-at",
    time,
  ]);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

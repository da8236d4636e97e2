// `countersign customer-keys`, against a real gateway.

import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../program.ts";
import { startFileOperator } from "./operator.ts";

const operator = await startFileOperator();

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

  const dryRun = await operate(["customer-keys", "retire", keyId, "--dry-run"]);
  expect(dryRun.stdout).toBe(
    `key ${keyId} would be retired\nstopped_devices  0\nsilent_devices   1\nother_live_keys  0\n`,
  );
  expect((await operateJson(["customer-keys", "list", "--customer", id]))[0]).toMatchObject({
    state: "KEY_STATE_LIVE",
  });
  expect((await operate(["customer-keys", "retire", keyId])).stdout).toContain(`key ${keyId} is retired\n`);
  const [retired] = await operateJson(["customer-keys", "list", "--customer", id]);
  expect(retired).toMatchObject({ key_id: keyId, state: "KEY_STATE_RETIRED" });
});

test("--import takes a key that devices already have, and warns when it is short", async () => {
  const id = await customer("imports");
  const args = ["customer-keys", "issue", "--customer", id, "--import", "-"];
  const { stdout, stderr } = await operator.operate(args, { input: "hunter2\n" });
  // An imported secret is not printed.
  expect(stdout).toMatch(/^key \w+\n$/);
  expect(stderr).toContain("can be guessed");
});

test("--output writes the secret to a new file; if it cannot, no key is issued", async () => {
  const { operate, operateJson } = operator;
  const id = await customer("keeps");
  const file = join(temporaryFolder(), "key.txt");
  const issue = ["customer-keys", "issue", "--customer", id, "--output", file];
  const { stdout } = await operate(issue);
  expect(stdout).toMatch(/^key \w+\nIts secret is in .*key\.txt and is not shown again\.\n$/);
  expect(readFileSync(file, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);

  const again = await operate(issue);
  expect(again).toMatchObject({ status: 2, stdout: "" });
  expect(again.stderr).toContain("exists. Name a new file");
  expect(await operateJson(["customer-keys", "list", "--customer", id])).toHaveLength(1);

  const other = `${file}.2`;
  const refused = await operate(["customer-keys", "issue", "--customer", "nobody", "--output", other]);
  expect(refused.stderr).toContain("does_not_exist");
  expect(existsSync(other)).toBe(false);
});

test.each<[string, Buffer | string, string]>([
  ["bytes that are not text", Buffer.from("gehe\xefm-0123456789abcdef", "latin1"), "is not UTF-8"],
  ["a byte order mark", "\ufeffsecret-0123456789abcdef", "begins with a byte order mark"],
  ["a line of derive-key", `pump-7 ${"ab".repeat(32)}\n`, "has a name before the secret"],
  ["a line of issue", `customer_key ${"AB".repeat(32)}`, "has a name before the secret"],
  ["several lines", "one\ntwo\n", "has several lines"],
  ["nothing", "\n", "is empty"],
])("a file with %s is refused by every command that reads a secret", async (_what, bytes, message) => {
  const file = join(temporaryFolder(), "key.txt");
  writeFileSync(file, bytes);
  for (const args of [
    ["customer-keys", "issue", "--customer", operator.gateway.customerId, "--import", file],
    ["sign", "--device-key", "a", "--customer-key-file", file],
  ]) {
    const { status, stdout, stderr } = await operator.operate(args);
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(`${file} ${message}`)]);
    expect(stderr).not.toMatch(/secret-0123|abab|geh/i);
  }
});

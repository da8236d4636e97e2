// `countersign operators` and `audit`, and the admin token of every operator's command.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand, startFileOperator } from "../command.ts";
import { temporaryFolder } from "../program.ts";

const { env, operate, operateJson, expectOutput } = await startFileOperator();

test("a token is issued and used, listed and revoked", async () => {
  const [issued] = await operateJson("operators issue --name ada --role admin");
  const { token_id, admin_token } = issued ?? {};
  const own = { env: { COUNTERSIGN_ADMIN_TOKEN: String(admin_token) } };
  await expectOutput(`operators revoke ${token_id}`, `admin token ${token_id} of ada is revoked\n`, own);
  const listed = await operateJson("operators list");
  const revoked = { token_id, name: "ada", role: "OPERATOR_ROLE_ADMIN", revoke_time: expect.any(String) };
  expect(listed).toContainEqual(expect.objectContaining(revoked));
});

test("a token with the role read is written to a file, which commands take it from", async () => {
  const file = join(temporaryFolder(), "token");
  const issue = `operators issue --name bob --expires-in 12h --output ${file}`;
  await expectOutput(issue, /^token_id \w{8}\nIt is in \S+ and is not shown again\.\n$/);
  expect(readFileSync(file, "utf8")).toMatch(/^cst_[\w-]{43}\n$/);
  const own = { env: { COUNTERSIGN_ADMIN_TOKEN_FILE: file, COUNTERSIGN_ADMIN_TOKEN: "" } };
  await expectOutput("customers create --name Bob", { status: 1, stderr: /^countersign: read_only: / }, own);
});

test("audit list prints changes, the newest first, with the operator and the changed fields", async () => {
  await operate("customers create --name One --customer-id acme");
  await operate("customers update acme --name Two");
  const [issued] = await operateJson("customer-keys issue --customer acme");
  const list = "audit list --filter 'customer_id = acme'";
  const events = await operateJson(list);
  expect(events.map(({ action }) => action)).toEqual(["IssueCustomerKey", "UpdateCustomer", "CreateCustomer"]);
  expect(events[1]).toMatchObject({
    resource: "customers/acme",
    details: { display_name: "Two" },
    operator: expect.stringMatching(/^[\x20-\x7e]+@[\x20-\x7e]+$/),
    address: "127.0.0.1",
  });
  expect(JSON.stringify(events)).not.toContain(String(issued?.["customer_key"]));
  const head = "time +token_id +operator +address +action +resource +details";
  const table = new RegExp(`^${head}\\n.*IssueCustomerKey.*\\n.*display_name=Two *\\n$`);
  await expectOutput(`${list} --limit 2`, table);
});

test("a wrong admin token is reported with its source", async () => {
  const { COUNTERSIGN_INTERNAL_URL } = env;
  const folder = temporaryFolder();
  const file = join(folder, "admin-token");
  writeFileSync(file, "another-token-0123456789\n");
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ COUNTERSIGN_ADMIN_TOKEN: "another-token-0123456789" }, "COUNTERSIGN_ADMIN_TOKEN"],
    [{ COUNTERSIGN_ADMIN_TOKEN_FILE: file }, "COUNTERSIGN_ADMIN_TOKEN_FILE"],
    [{ COUNTERSIGN_DATA_DIR: folder }, file],
  ];
  for (const [settings, source] of cases) {
    const { status, stderr } = await runCommand(["customers", "list"], {
      env: { COUNTERSIGN_INTERNAL_URL, ...settings },
    });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^countersign: invalid_admin_token: [^\n]+\n$/)]);
    expect(stderr.endsWith(`. The token was read from ${source}\n`)).toBe(true);
  }
});

test("a token that cannot be in a header is refused, and not repeated", async () => {
  const mistake = "the admin token in COUNTERSIGN_ADMIN_TOKEN is empty, or has characters that are not visible ASCII";
  const options = { env: { COUNTERSIGN_ADMIN_TOKEN: "gehe\u00efm-0123456789abcdef" } };
  await expectOutput("customers list", { status: 2, stderr: `countersign: ${mistake}\n` }, options);
});

test.each(["customers", "devices import", "explain", "audit list"])("%s --help names the settings", async (line) => {
  const { stdout } = await operate(`${line} --help`);
  for (const name of ["INTERNAL_URL", "ADMIN_TOKEN(_FILE)", "CA_CERT"]) expect(stdout).toContain(`COUNTERSIGN_${name}`);
});

test("--help marks required options", async () => {
  const { stdout } = await operate("customer-keys issue --help");
  expect(stdout).toMatch(/--customer <id> +the key's owner \(required\)\n/);
  expect(stdout.match(/\(required\)/g)).toHaveLength(1);
});

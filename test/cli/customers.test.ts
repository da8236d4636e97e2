// Commands for customers, keys, operators and audit; usage errors of every command.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { runCommand, startFileOperator } from "../command.ts";
import { temporaryFolder } from "../program.ts";

const { gateway, env, operate, operateJson, expectOutput } = await startFileOperator();

test("a customer is created, shown, changed, disabled, enabled and deleted", async () => {
  expect(await operateJson("customers create --name Acme --customer-id acme")).toEqual([{ customer_id: "acme" }]);
  await expectOutput("customers show acme", /^customer_id +acme\ndisplay_name +Acme\nstatus +enabled\n/);
  const renamed = { display_name: "Acme Ltd", login_limit: "20/60s", status: "STATUS_ENABLED" };
  expect(await operateJson("customers update acme --name 'Acme Ltd' --login-limit 20/60s")).toMatchObject([renamed]);
  const reset = { display_name: "Acme Ltd", login_limit: "" };
  expect(await operateJson("customers update acme --login-limit ''")).toMatchObject([reset]);
  await expectOutput("customers disable acme", "customer acme is disabled\n");
  const disabled = await operateJson("customers list --filter 'status = disabled'");
  expect(disabled).toMatchObject([{ customer_id: "acme", status: "STATUS_DISABLED" }]);
  await expectOutput("customers enable acme", "customer acme is enabled\n");
  await expectOutput("customers delete acme", "customer acme is deleted\n");
  const { status, stderr } = await operate("customers show acme --json");
  const error = { reason: "does_not_exist", field: "customer_id" };
  expect([status, JSON.parse(stderr)]).toMatchObject([1, { error }]);
});

test("a list is a table with aligned columns", async () => {
  await operate("customers create --name One --customer-id columns-1");
  await operate("customers create --name Two --customer-id columns-2 --login-limit off");
  const { stdout } = await operate("customers list --limit 2");
  const [head = "", ...lines] = stdout.trimEnd().split("\n");
  expect(head.split(/ +/)).toEqual(["customer_id", "status", "login_limit", "create_time", "display_name"]);
  const at = head.indexOf("status");
  expect(lines.map((line) => line.slice(at - 2, at + 7))).toEqual(["  enabled", "  enabled"]);
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
  ["devices create --customer acme --device-key ''", "It is empty"],
  ["devices derive-key", "missing required argument"],
  ["devices export --output /nowhere/devices.csv", "/nowhere/devices.csv cannot be written (ENOENT)"],
  ["devices import /nowhere/devices.csv", "/nowhere/devices.csv cannot be read (ENOENT)"],
  ["devices import /", "/ cannot be read (EISDIR)"],
  ["devices import - --from-line soon", "Write a whole number from 1."],
  ["devices disable", "name devices, or select them by --filter"],
  ["devices disable pump-7 --failing", "name devices, or select them by --filter"],
  ["devices label site --failing", "write a name and a value"],
  ["operators issue --name eve --expires-in soon", "Write a number and d, h or m, as in 30d."],
  ["customer-keys issue --customer x --import a --output b", "cannot be used with option"],
  ["customer-keys issue --customer x --expires-at 2026-01-31", "RFC 3339"],
  ["explain --device-key a --body /nowhere/request.json", "/nowhere/request.json cannot be read (ENOENT)"],
  ["sign --device-key a", "the secret is missing"],
])("%s has exit status 2 and names the mistake", async (line, mistake) => {
  const { status, stdout, stderr } = await operate(line);
  expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(mistake)]);
});

const QUESTION = "Delete customer asked and its keys? [y/N] ";
const UNCHANGED = `${QUESTION}countersign: nothing was changed\n`;

test.each([
  ["y\n", "", 0, QUESTION],
  ["YES\n", "", 0, QUESTION],
  ["n\n", "", 1, UNCHANGED],
  ["\n", "", 1, UNCHANGED],
  ["", "", 1, UNCHANGED],
  ["", "--yes", 0, ""],
])("on a terminal, delete asks first: %j %j", async (typed, flag, status, stderr) => {
  await operate("customers create --name Asked --customer-id asked");
  const input = Object.assign(Readable.from([Buffer.from(typed)]), { isTTY: true });
  expect(await operate(`customers delete asked ${flag}`, { input })).toMatchObject({ status, stderr });
});

test("a key is issued, listed without its secret, counted and retired", async () => {
  await operate("customers create --name Rotates --customer-id rotates");
  const dates = "--not-before 2025-01-31T12:00:00Z --expires-at 2099-01-31T12:00:00+01:00";
  const [issued] = await operateJson(`customer-keys issue --customer rotates ${dates}`);
  const customerKey = expect.stringMatching(/^[0-9a-f]{64}$/);
  expect(issued).toEqual({ key_id: expect.stringMatching(/^\w+$/), customer_key: customerKey });
  const keyId = String(issued?.["key_id"]);
  const listed = await operate("customer-keys list --customer rotates");
  const row = `${keyId}  login    live   2025-01-31T12:00:00Z  2099-01-31T11:00:00Z `;
  expect(listed.stdout).toMatch(new RegExp(`^key_id .*\\n${row}`));
  expect(listed.stdout).not.toContain(String(issued?.["customer_key"]));

  await operate("devices create --customer rotates --device-key silent");
  const usage = new RegExp(`${keyId} .* 0 .*\\n1 device has not logged in yet\\n$`);
  await expectOutput("customer-keys usage --customer rotates", usage);
  const counts = "stopped_devices  0\nsilent_devices   1\nother_live_keys  0\n";
  await expectOutput(`customer-keys retire ${keyId} --dry-run`, `key ${keyId} would be retired\n${counts}`);
  const stateOf = async () => (await operateJson("customer-keys list --customer rotates")).at(0)?.["state"];
  expect(await stateOf()).toBe("KEY_STATE_LIVE");
  expect((await operate(`customer-keys retire ${keyId}`)).stdout).toContain(`key ${keyId} is retired\n`);
  expect(await stateOf()).toBe("KEY_STATE_RETIRED");
});

test("--import takes a key that devices already have, does not print it, and warns when it is short", async () => {
  const imported = { stdout: /^key \w+\n$/, stderr: /can be guessed/ };
  const issue = `customer-keys issue --customer ${gateway.customerId} --import -`;
  await expectOutput(issue, imported, { input: "hunter2\n" });
});

test("--output writes the secret to a new file; if it cannot, no key is issued", async () => {
  await operate("customers create --name Keeps --customer-id keeps");
  const file = join(temporaryFolder(), "key.txt");
  const issue = `customer-keys issue --customer keeps --output ${file}`;
  await expectOutput(issue, /^key \w+\nIts secret is in .*key\.txt and is not shown again\.\n$/);
  expect(readFileSync(file, "utf8")).toMatch(/^[0-9a-f]{64}\n$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await expectOutput(issue, { status: 2, stderr: /exists\. Name a new file/ });
  expect(await operateJson("customer-keys list --customer keeps")).toHaveLength(1);
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
  const issue = `customer-keys issue --customer ${gateway.customerId} --import ${file}`;
  for (const line of [issue, `sign --device-key a --customer-key-file ${file}`]) {
    const { status, stdout, stderr } = await operate(line);
    expect([status, stdout, stderr]).toEqual([2, "", expect.stringContaining(`${file} ${message}`)]);
    expect(stderr).not.toMatch(/secret-0123|abab|geh/i);
  }
});

test("an admin token is issued and used, listed and revoked", async () => {
  const [issued] = await operateJson("operators issue --name ada --role admin");
  const { token_id, admin_token } = issued ?? {};
  const own = { env: { COUNTERSIGN_ADMIN_TOKEN: String(admin_token) } };
  await expectOutput(`operators revoke ${token_id}`, `admin token ${token_id} of ada is revoked\n`, own);
  const listed = await operateJson("operators list");
  const revoked = { token_id, name: "ada", role: "OPERATOR_ROLE_ADMIN", revoke_time: expect.any(String) };
  expect(listed).toContainEqual(expect.objectContaining(revoked));
});

test("an admin token with the role read is written to a file, which commands take it from", async () => {
  const file = join(temporaryFolder(), "token");
  const issue = `operators issue --name bob --expires-in 12h --output ${file}`;
  await expectOutput(issue, /^token_id \w{8}\nIt is in \S+ and is not shown again\.\n$/);
  expect(readFileSync(file, "utf8")).toMatch(/^cst_[\w-]{43}\n$/);
  const own = { env: { COUNTERSIGN_ADMIN_TOKEN_FILE: file, COUNTERSIGN_ADMIN_TOKEN: "" } };
  await expectOutput("customers create --name Bob", { status: 1, stderr: /^countersign: read_only: / }, own);
});

test("audit list prints changes, the newest first, with the operator and the changed fields", async () => {
  await operate("customers create --name One --customer-id audited");
  await operate("customers update audited --name Two");
  const [issued] = await operateJson("customer-keys issue --customer audited");
  const list = "audit list --filter 'customer_id = audited'";
  const events = await operateJson(list);
  expect(events.map(({ action }) => action)).toEqual(["IssueCustomerKey", "UpdateCustomer", "CreateCustomer"]);
  expect(events[1]).toMatchObject({
    resource: "customers/audited",
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

test("an admin token that cannot be in a header is refused, and not repeated", async () => {
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

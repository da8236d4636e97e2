// Operators' commands: the admin token, and help on the settings.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../../command.ts";
import { startTestGateway } from "../../gateway.ts";
import { temporaryFolder } from "../../program.ts";

const LIST = ["customers", "list"];

test("a wrong admin token is reported with its source", async () => {
  const { internalUrl } = await startTestGateway();
  const folder = temporaryFolder();
  const file = join(folder, "admin-token");
  writeFileSync(file, "another-token-0123456789\n");
  const url = { COUNTERSIGN_INTERNAL_URL: internalUrl };
  const cases: readonly (readonly [Record<string, string>, string])[] = [
    [{ COUNTERSIGN_ADMIN_TOKEN: "another-token-0123456789" }, "COUNTERSIGN_ADMIN_TOKEN"],
    [{ COUNTERSIGN_ADMIN_TOKEN_FILE: file }, "COUNTERSIGN_ADMIN_TOKEN_FILE"],
    [{ COUNTERSIGN_DATA_DIR: folder }, file],
  ];
  for (const [env, source] of cases) {
    const { status, stderr } = await runCommand(LIST, { env: { ...url, ...env } });
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^countersign: invalid_admin_token: [^\n]+\n$/)]);
    expect(stderr.endsWith(`. The token was read from ${source}\n`)).toBe(true);
  }
});

test("a token that cannot be in a header is refused, and not repeated", async () => {
  const env = { COUNTERSIGN_ADMIN_TOKEN: "gehe\u00efm-0123456789abcdef" };
  const mistake = "the admin token in COUNTERSIGN_ADMIN_TOKEN is empty, or has characters that are not visible ASCII";
  expect(await runCommand(LIST, { env })).toEqual({ status: 2, stdout: "", stderr: `countersign: ${mistake}\n` });
});

test.each(["customers", "devices import", "explain", "audit list"])("%s --help names the settings", async (words) => {
  const { stdout } = await runCommand([...words.split(" "), "--help"]);
  const names = ["INTERNAL_URL", "ADMIN_TOKEN(_FILE)", "CA_CERT"];
  for (const name of names) expect(stdout).toContain(`COUNTERSIGN_${name}`);
});

test("--help marks required options", async () => {
  const { stdout } = await runCommand(["customer-keys", "issue", "--help"]);
  expect(stdout).toMatch(/--customer <id> +the key's owner \(required\)\n/);
  expect(stdout.match(/\(required\)/g)).toHaveLength(1);
});

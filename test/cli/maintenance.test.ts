// Maintenance: `countersign check`, resealing, and failing starts: data directory, lost master key.

import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { LostSecretsError } from "../../src/core/registry/secrets.ts";
import { runCommand } from "../command.ts";
import { ADMIN_TOKEN, openGateway } from "../gateway.ts";
import { serve, temporaryFolder } from "../program.ts";

/** The settings that `serve` needs without --dev. */
const REQUIRED = {
  COUNTERSIGN_MASTER_KEY: "00".repeat(32),
  COUNTERSIGN_ADMIN_TOKEN: ADMIN_TOKEN,
  COUNTERSIGN_ISSUER: "https://login.example",
  COUNTERSIGN_AUDIENCE: "devices",
};

/** Runs `countersign check`. @returns its exit status, its errors, and a line for each finding */
async function check(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = await runCommand(["check", "--json"], { env: { ...REQUIRED, ...env } });
  const findings: { name: string; status: string }[] = stdout === "" ? [] : JSON.parse(stdout).findings;
  return { status, stderr, findings: findings.map((finding) => `${finding.name} ${finding.status}`) };
}

test("the check of a first start succeeds and creates nothing", async () => {
  const folder = join(temporaryFolder(), "none");
  const findings = ["settings ok", "database ok", "redis ok", "certificate ok"];
  expect(await check({ COUNTERSIGN_DATA_DIR: folder })).toMatchObject({ status: 0, findings });
  expect(existsSync(folder)).toBe(false);
});

test("the check names a master key that cannot open the secrets, and a Redis that is away", async () => {
  const folder = temporaryFolder();
  await (await openGateway({ DATA_DIR: folder })).close();
  const data = { COUNTERSIGN_DATA_DIR: folder };
  const ok = expect.arrayContaining(["database ok", "keys ok"]);
  expect(await check(data)).toMatchObject({ status: 0, findings: ok });
  const settings = { COUNTERSIGN_MASTER_KEY: "11".repeat(32), COUNTERSIGN_REDIS_URL: "redis://127.0.0.1:1" };
  const findings = expect.arrayContaining(["keys wrong", "redis wrong"]);
  const stderr = expect.stringContaining("keys, redis");
  expect(await check({ ...data, ...settings })).toMatchObject({ status: 1, findings, stderr });
});

test("the check names a database that is away, and every wrong setting", async () => {
  const away = await check({ COUNTERSIGN_DATABASE_URL: "postgres://user:secret@127.0.0.1:1/none" });
  expect(away).toMatchObject({ status: 1, findings: expect.arrayContaining(["database wrong"]) });
  expect(away.stderr).not.toContain("secret");
  const stderr = expect.stringMatching(/TOKEN_ALG.*ISSUER|ISSUER.*TOKEN_ALG/s);
  expect(await check({ COUNTERSIGN_TOKEN_ALG: "none", COUNTERSIGN_ISSUER: "" })).toMatchObject({ status: 2, stderr });
});

test("reseal prints how many secrets it sealed, and fails when one cannot be unsealed", async () => {
  const folder = temporaryFolder();
  const [old, current] = ["11".repeat(32), "22".repeat(32)];
  await (await serve(folder, { env: { COUNTERSIGN_MASTER_KEY: old } })).end("SIGTERM");
  const keys = { COUNTERSIGN_MASTER_KEY: current, COUNTERSIGN_OTHER_MASTER_KEYS: old };
  const { internalUrl } = await serve(folder, { env: keys });
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: internalUrl };
  const reseal = (...args: readonly string[]) => runCommand(["secrets", "reseal", ...args], { env });

  // The demo device's key, the active signing key and the next one.
  const all =
    "All secrets are sealed with COUNTERSIGN_MASTER_KEY. Remove the old one from COUNTERSIGN_OTHER_MASTER_KEYS.\n";
  expect(await reseal()).toEqual({ status: 0, stdout: `resealed 3\n${all}`, stderr: "" });
  expect(await reseal("--json")).toEqual({ status: 0, stdout: '{"resealed":0,"unopened":0}\n', stderr: "" });

  // As if sealed with a master key that this gateway does not have.
  const raw = new DatabaseSync(join(folder, "countersign.db"));
  raw.exec(
    "update customer_keys set sealed_secret = cast(x'010000000000000000' || substr(sealed_secret, 10) as blob) where key_id > ''",
  );
  raw.close();
  const message =
    "0 secrets were sealed with COUNTERSIGN_MASTER_KEY, and 1 cannot be unsealed by any master key of the gateway. Add the missing key to it, and run this again (docs/secrets.md)";
  expect(await reseal()).toEqual({ status: 1, stdout: "", stderr: `countersign: ${message}\n` });
  const { status, stderr } = await reseal("--json");
  expect([status, JSON.parse(stderr).error]).toEqual([1, { resealed: 0, unopened: 1, message }]);
});

test.for([
  [0o777, ["--dev"], {}],
  [0o720, ["--dev"], {}],
  [0o702, [], REQUIRED],
  [0o1777, [], { ...REQUIRED, COUNTERSIGN_DATABASE_URL: "postgres://127.0.0.1:1/countersign" }],
] as const)("serve refuses a data directory that others may write to: %o, %j, %j", async ([mode, args, settings]) => {
  const folder = temporaryFolder();
  chmodSync(folder, mode);
  const outcome = await runCommand(["serve", ...args], { env: { ...settings, COUNTERSIGN_DATA_DIR: folder } });
  const stderr = `countersign: other users may write to the data directory ${folder}. Run: chmod go-w ${folder}\n`;
  expect(outcome).toEqual({ status: 1, stdout: "", stderr });
  expect(readdirSync(folder)).toEqual([]);
});

const OLD = { COUNTERSIGN_MASTER_KEY: "11".repeat(32) };
const NEW = { COUNTERSIGN_MASTER_KEY: "22".repeat(32) };

test("serve --forget-lost-secrets starts with all devices, and without their keys", async () => {
  const folder = temporaryFolder();
  await (await serve(folder, { env: OLD })).end("SIGTERM");
  const mistake = "the signing key and 1 customer key cannot be opened with the master keys of this gateway";
  const cure =
    "Set COUNTERSIGN_MASTER_KEY to the key that sealed them, or add it to COUNTERSIGN_OTHER_MASTER_KEYS. If that key is lost, start once with --forget-lost-secrets, which drops the secrets that it sealed, and import the customer keys again (docs/secrets.md)";
  const refused = await runCommand(["serve", "--dev"], { env: { COUNTERSIGN_DATA_DIR: folder, ...NEW } });
  expect(refused).toEqual({ status: 1, stdout: "", stderr: `countersign: ${mistake}. ${cure}\n` });
  expect(new LostSecretsError({ customerKeys: 2, signingKeys: 0 }).message).toMatch(/^2 customer keys cannot/);

  const after = await serve(folder, { env: { ...NEW, COUNTERSIGN_LOG_LEVEL: "info" } }, ["--forget-lost-secrets"]);
  const login = ["login", "--demo", "--url", after.publicUrl];
  const { stderr } = await runCommand(login, { env: { COUNTERSIGN_DATA_DIR: folder } });
  expect(stderr).toMatch(/^countersign: invalid_credentials: /);
  await after.end("SIGTERM");
  expect(after.log()).toMatch(/"customer_keys":1,"signing_keys":2/);
});

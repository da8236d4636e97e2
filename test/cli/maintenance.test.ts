// `countersign check` and `secrets reseal`.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { openGateway } from "../gateway.ts";
import { serve, temporaryFolder } from "../program.ts";

const SETTINGS = {
  COUNTERSIGN_MASTER_KEY: "00".repeat(32),
  COUNTERSIGN_ADMIN_TOKEN: "0123456789abcdef",
  COUNTERSIGN_ISSUER: "https://login.example",
  COUNTERSIGN_AUDIENCE: "devices",
};

async function check(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = await runCommand(["check", "--json"], { env: { ...SETTINGS, ...env } });
  const findings: readonly { readonly name: string; readonly status: string }[] =
    stdout === "" ? [] : JSON.parse(stdout).findings;
  return { status, stderr, findings: findings.map(({ name, status: state }) => `${name} ${state}`) };
}

test("a first start would work, and the check makes nothing", async () => {
  const folder = join(temporaryFolder(), "none");
  const findings = ["settings ok", "database ok", "redis ok", "certificate ok"];
  expect(await check({ COUNTERSIGN_DATA_DIR: folder })).toMatchObject({ status: 0, findings });
  expect(existsSync(folder)).toBe(false);
});

test("names a master key that does not open the secrets, and a Redis that is away", async () => {
  const folder = temporaryFolder();
  await (await openGateway({ DATA_DIR: folder })).close();
  const good = await check({ COUNTERSIGN_DATA_DIR: folder });
  expect(good).toMatchObject({ status: 0, findings: expect.arrayContaining(["database ok", "keys ok"]) });
  const bad = await check({
    COUNTERSIGN_DATA_DIR: folder,
    COUNTERSIGN_MASTER_KEY: "11".repeat(32),
    COUNTERSIGN_REDIS_URL: "redis://127.0.0.1:1",
  });
  expect(bad).toMatchObject({ status: 1, findings: expect.arrayContaining(["keys wrong", "redis wrong"]) });
  expect(bad.stderr).toContain("keys, redis");
});

test("names a database that is away, and every wrong setting", async () => {
  const away = await check({ COUNTERSIGN_DATABASE_URL: "postgres://user:secret@127.0.0.1:1/none" });
  expect(away).toMatchObject({ status: 1, findings: expect.arrayContaining(["database wrong"]) });
  expect(away.stderr).not.toContain("secret");
  const wrong = await check({ COUNTERSIGN_TOKEN_ALG: "none", COUNTERSIGN_ISSUER: "" });
  expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/TOKEN_ALG.*ISSUER|ISSUER.*TOKEN_ALG/s)]);
});

test("reseal prints how many secrets it sealed, and fails when one does not open", async () => {
  const folder = temporaryFolder();
  const [old, current] = ["11".repeat(32), "22".repeat(32)];
  await (await serve(folder, { env: { COUNTERSIGN_MASTER_KEY: old } })).end("SIGTERM");
  const { internalUrl } = await serve(folder, {
    env: { COUNTERSIGN_MASTER_KEY: current, COUNTERSIGN_OTHER_MASTER_KEYS: old },
  });
  const reseal = (...args: readonly string[]) =>
    runCommand(["secrets", "reseal", ...args], {
      env: { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: internalUrl },
    });

  // The demo device's key, and the signing key.
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
    "0 secrets were sealed with COUNTERSIGN_MASTER_KEY, and 1 do not open with any master key of the gateway. Give it the one that sealed them, and run this again (docs/secrets.md)";
  expect(await reseal()).toEqual({ status: 1, stdout: "", stderr: `countersign: ${message}\n` });
  const { status, stderr } = await reseal("--json");
  expect([status, JSON.parse(stderr).error]).toEqual([1, { resealed: 0, unopened: 1, message }]);
});

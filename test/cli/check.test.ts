// `countersign check` says what a gateway with these settings would meet.

import { expect, test } from "vitest";
import { openGateway } from "../gateway.ts";
import { run, temporaryFolder } from "../program.ts";

const SETTINGS = {
  COUNTERSIGN_MASTER_KEY: "00".repeat(32),
  COUNTERSIGN_ADMIN_TOKEN: "0123456789abcdef",
  COUNTERSIGN_ISSUER: "https://login.example",
  COUNTERSIGN_AUDIENCE: "devices",
};

interface Found {
  readonly name: string;
  readonly status: string;
}

async function check(env: Readonly<Record<string, string>>) {
  const { status, stdout, stderr } = await run(["check", "--json"], { env: { ...SETTINGS, ...env } });
  const findings: readonly Found[] = stdout === "" ? [] : JSON.parse(stdout).findings;
  return { status, stderr, findings: findings.map(({ name, status: state }) => `${name} ${state}`) };
}

test("a first start would work, and the check makes nothing", async () => {
  const folder = temporaryFolder();
  const expected = ["settings ok", "database ok", "redis ok", "certificate ok", "clock ok"];
  for (let time = 0; time < 2; time++) {
    expect(await check({ COUNTERSIGN_DATA_DIR: `${folder}/none` })).toMatchObject({ status: 0, findings: expected });
  }
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

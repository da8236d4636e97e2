// Permissions of the data directory.

import { chmodSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { serve, temporaryFolder } from "../program.ts";

const SETTINGS = {
  COUNTERSIGN_MASTER_KEY: "00".repeat(32),
  COUNTERSIGN_ADMIN_TOKEN: "test-admin-token-0123456789",
  COUNTERSIGN_ISSUER: "https://login.example",
  COUNTERSIGN_AUDIENCE: "devices",
};

test.for([
  [0o777, ["--dev"], {}],
  [0o720, ["--dev"], {}],
  [0o702, [], SETTINGS],
  [0o1777, [], { ...SETTINGS, COUNTERSIGN_DATABASE_URL: "postgres://127.0.0.1:1/countersign" }],
] as const)("serve refuses a data directory that others may write to: %o, %j, %j", async ([mode, args, settings]) => {
  const folder = temporaryFolder();
  chmodSync(folder, mode);
  const { status, stderr } = await runCommand(["serve", ...args], {
    env: { ...settings, COUNTERSIGN_DATA_DIR: folder },
  });
  expect([status, stderr]).toEqual([
    1,
    `countersign: other users may write to the data directory ${folder}. Run: chmod go-w ${folder}\n`,
  ]);
  expect(readdirSync(folder)).toEqual([]);
});

test("serve --dev creates a missing directory", async () => {
  const missing = join(temporaryFolder(), "a", "b");
  expect(await (await serve(missing)).end("SIGTERM")).toBe(0);
  expect(existsSync(join(missing, "countersign.db"))).toBe(true);
});

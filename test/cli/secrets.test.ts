// `countersign secrets reseal`: what it says when it is done, and when something does not open.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { serve, temporaryFolder } from "../program.ts";

test("it tells how many, and which of the settings may change; again there is nothing to do", {
  timeout: 30_000,
}, async () => {
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
    "All secrets are sealed with COUNTERSIGN_MASTER_KEY: COUNTERSIGN_OTHER_MASTER_KEYS may lose the old one.\n";
  expect(await reseal()).toEqual({ status: 0, stdout: `resealed 3\n${all}`, stderr: "" });
  expect(await reseal("--json")).toEqual({ status: 0, stdout: '{"resealed":0,"unopened":0}\n', stderr: "" });

  // As if a gateway that has yet another master key had sealed it.
  const raw = new DatabaseSync(join(folder, "countersign.db"));
  raw.exec(
    "update customer_keys set sealed_secret = cast(x'010000000000000000' || substr(sealed_secret, 10) as blob) where key_id > ''",
  );
  raw.close();
  const told =
    "0 secrets were sealed with COUNTERSIGN_MASTER_KEY, and 1 do not open with any master key of the gateway. Give it the one that sealed them, and do this again (docs/secrets.md)";
  expect(await reseal()).toEqual({ status: 1, stdout: "", stderr: `countersign: ${told}\n` });
  const { status, stderr } = await reseal("--json");
  expect([status, JSON.parse(stderr).error]).toEqual([1, { resealed: 0, unopened: 1, message: told }]);
});

test("it takes a gateway to do it", async () => {
  const { status, stderr } = await runCommand(["secrets", "reseal"], {
    env: { COUNTERSIGN_ADMIN_TOKEN: "token", COUNTERSIGN_INTERNAL_URL: "http://127.0.0.1:1" },
  });
  expect([status, stderr]).toEqual([
    1,
    "countersign: no gateway answers at http://127.0.0.1:1 (ECONNREFUSED). Start it, or say by COUNTERSIGN_INTERNAL_URL where it is\n",
  ]);
});

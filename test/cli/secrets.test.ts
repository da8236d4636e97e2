// `countersign secrets reseal`, done and not done.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { serve, temporaryFolder } from "../program.ts";

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

// A lost master key: `serve` does not start, and with --forget-lost-secrets retires what it sealed.

import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { run, serve, temporaryFolder } from "../program.ts";

const OLD = { COUNTERSIGN_MASTER_KEY: "11".repeat(32) };
const NEW = { COUNTERSIGN_MASTER_KEY: "22".repeat(32) };

test("serve --forget-lost-secrets starts with all devices, and without their keys", async () => {
  const folder = temporaryFolder();
  const before = await serve(folder, { env: OLD });
  const logIn = async (url: string) =>
    (await runCommand(["login", "--demo", "--url", url], { env: { COUNTERSIGN_DATA_DIR: folder } })).stderr;
  expect(await logIn(before.publicUrl)).toBe("");
  await before.end("SIGTERM");

  const listeners = { COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0", COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0" };
  const refused = await run(["serve", "--dev"], { env: { COUNTERSIGN_DATA_DIR: folder, ...NEW, ...listeners } });
  expect([refused.status, refused.stderr]).toEqual([
    1,
    "countersign: the signing key and 1 customer key cannot be opened with the master keys of this gateway. Set COUNTERSIGN_MASTER_KEY to the key that sealed them, or add it to COUNTERSIGN_OTHER_MASTER_KEYS. If it is lost, start once with --forget-lost-secrets: this drops the customer keys that it sealed, to be imported again, and signs tokens with a new key if theirs is lost (docs/secrets.md)\n",
  ]);

  const after = await serve(folder, { env: { ...NEW, COUNTERSIGN_LOG_LEVEL: "info" } }, ["--forget-lost-secrets"]);
  expect(await logIn(after.publicUrl)).toMatch(/^countersign: invalid_credentials: /);
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: after.internalUrl };
  expect((await runCommand(["audit", "list", "--json"], { env })).stdout).toMatch(/"ForgetLostSecrets"/);
  await after.end("SIGTERM");
  expect(after.log()).toMatch(/"customer_keys":1,"signing_keys":2/);

  const later = await serve(folder, { env: NEW });
  expect(await later.end("SIGTERM")).toBe(0);
});

// Bugs and outages behind a call: every protocol answers with the request id of one log line, and the gateway keeps running.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { runCommand } from "./command.ts";
import { CUSTOMER_KEY, postLogin, signNow } from "./gateway.ts";
import { linesOf, run, serve, temporaryFolder } from "./program.ts";

/** Opens the gateway's database as another process does. */
function openAsOtherProcess(folder: string): DatabaseSync {
  return new DatabaseSync(join(folder, "countersign.db"), { timeout: 5_000 });
}

test("a bug and a secret that cannot be unsealed are one fault each in the log, and the secret can be retired", async () => {
  const folder = temporaryFolder();
  const gateway = await serve(folder);
  const { publicUrl, internalUrl, end } = gateway;
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: internalUrl };
  const create = ["customers", "create", "--name", "x", "--json"];
  const { customer_id } = JSON.parse((await runCommand(create, { env })).stdout);
  const issue = ["customer-keys", "issue", "--customer", customer_id, "--import", "-"];
  await runCommand(issue, { env, input: CUSTOMER_KEY });
  await runCommand(["devices", "create", "--customer", customer_id, "--device-key", "broken"], { env });
  const database = openAsOtherProcess(folder);
  database.exec("create trigger broken before insert on customers begin select raise(abort, 'planted'); end");
  database
    .prepare("update customer_keys set sealed_secret = substr(sealed_secret, 1, 40) where customer_id = ?")
    .run(customer_id);
  database.close();

  const { status, stderr } = await runCommand(create, { env });
  const { error } = JSON.parse(stderr);
  expect([status, error.reason]).toEqual([1, "internal"]);
  expect(stderr).not.toContain("planted");

  const login = signNow("broken");
  const answer = await postLogin(publicUrl, login);
  const { reason } = JSON.parse(await answer.text());
  expect([answer.status, reason]).toEqual([503, "unavailable"]);
  // The other customers' devices log in.
  expect((await runCommand(["login", "--demo", "--url", publicUrl], { env })).status).toBe(0);
  const metrics = await (await fetch(new URL("/metrics", internalUrl))).text();
  expect(metrics).toContain('\ncountersign_unopened_secrets_total{kind="customer_key"} 1\n');
  await end("SIGTERM");
  const message = expect.stringMatching(`^the sealed secret of customer_key ${customer_id} \\w+ login was altered`);
  const unopened = { err: { type: "SealError", message } };
  const faults = linesOf(gateway).filter(({ msg }) => msg === "fault");
  expect(faults).toMatchObject([{ request_id: error.request_id }, unopened]);

  // One option retires the lost key.
  const later = await serve(folder, {}, ["--forget-lost-secrets"]);
  expect((await postLogin(later.publicUrl, login)).status).toBe(401);
  expect((await runCommand(["login", "--demo", "--url", later.publicUrl], { env })).status).toBe(0);
  await later.end("SIGTERM");
});

test("a write that waits for another process does not delay logins", async () => {
  const folder = temporaryFolder();
  const { publicUrl, internalUrl } = await serve(folder);
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: internalUrl };
  const database = openAsOtherProcess(folder);
  database.exec("begin immediate");
  const creating = run(["customers", "create", "--name", "x"], { env });
  // Logins are answered while that call waits.
  for (let turn = 0; turn < 8; turn++) {
    expect((await runCommand(["login", "--demo", "--url", publicUrl], { env })).status).toBe(0);
  }
  database.exec("commit");
  database.close();
  expect((await creating).status).toBe(0);
});

test("a log that cannot be written stops neither logins nor the shutdown", async () => {
  const folder = temporaryFolder();
  const { publicUrl, end } = await serve(folder, { logFile: "/dev/full" });
  for (let turn = 0; turn < 3; turn++) {
    const words = ["login", "--demo", "--url", publicUrl];
    expect((await runCommand(words, { env: { COUNTERSIGN_DATA_DIR: folder } })).status).toBe(0);
  }
  expect(await end("SIGTERM")).toBe(0);
});

// The gateway keeps running through bugs, outages and overload.

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { runCommand } from "./command.ts";
import { CUSTOMER_KEY, logInBy, startTestGateway } from "./gateway.ts";
import { linesOf, run, type ServingProcess, serve, temporaryFolder } from "./program.ts";

/** Opens the gateway's database as another process does. */
function openAsOtherProcess(folder: string): DatabaseSync {
  return new DatabaseSync(join(folder, "countersign.db"), { timeout: 5_000 });
}

function logInAt({ publicUrl }: ServingProcess, folder: string) {
  return runCommand(["login", "--demo", "--url", publicUrl], { env: { COUNTERSIGN_DATA_DIR: folder } });
}

test("a bug and a secret that cannot be unsealed are one fault each in the log, and the secret can be retired", async () => {
  const folder = temporaryFolder();
  const gateway = await serve(folder);
  const database = openAsOtherProcess(folder);
  database.exec(`create trigger broken before insert on customers begin select raise(abort, 'planted'); end;
    update customer_keys set sealed_secret = substr(sealed_secret, 1, 40) where key_id <> ''`);
  database.close();

  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: gateway.internalUrl };
  const { stderr } = await runCommand(["customers", "create", "--name", "x", "--json"], { env });
  const { error } = JSON.parse(stderr);
  expect([error.reason, stderr.includes("planted")]).toEqual(["internal", false]);
  for (let turn = 0; turn < 2; turn++) {
    expect((await logInAt(gateway, folder)).stderr).toMatch(/^countersign: unavailable: /);
  }
  const metrics = await (await fetch(new URL("/metrics", gateway.internalUrl))).text();
  expect(metrics).toMatch(/^countersign_unopened_secrets_total\{kind="customer_key"\} 1$/m);
  await gateway.end("SIGTERM");
  const message = expect.stringMatching(/^the sealed secret of customer_key \w+ \w+ login was altered/);
  const faults = linesOf(gateway).filter(({ msg }) => msg === "fault");
  expect(faults).toMatchObject([{ request_id: error.request_id }, { err: { type: "SealError", message } }]);

  // One option retires the lost key.
  const later = await serve(folder, {}, ["--forget-lost-secrets"]);
  expect((await logInAt(later, folder)).stderr).toMatch(/^countersign: invalid_credentials: /);
});

test("a write that waits for another process does not delay logins", async () => {
  const folder = temporaryFolder();
  const gateway = await serve(folder);
  const env = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_INTERNAL_URL: gateway.internalUrl };
  const database = openAsOtherProcess(folder);
  database.exec("begin immediate");
  const creating = run(["customers", "create", "--name", "x"], { env });
  // Logins are answered while that call waits.
  for (let turn = 0; turn < 8; turn++) expect((await logInAt(gateway, folder)).status).toBe(0);
  database.exec("commit");
  database.close();
  expect((await creating).status).toBe(0);
});

test("a log that cannot be written stops neither logins nor the shutdown", async () => {
  const folder = temporaryFolder();
  const gateway = await serve(folder, { logFile: "/dev/full" });
  for (let turn = 0; turn < 3; turn++) expect((await logInAt(gateway, folder)).status).toBe(0);
  expect(await gateway.end("SIGTERM")).toBe(0);
});

test("an overloaded gateway refuses logins with a wait, charges nothing, and still serves keys and token checks", async () => {
  let delay = 0;
  const { publicUrl, internalUrl, enrol } = await startTestGateway(
    { LOGIN_LIMIT: "2/60s" },
    { loopDelayMs: () => delay, busyAbove: -1 },
  );
  const device = { deviceKey: await enrol(), customerKey: CUSTOMER_KEY };
  const { token } = JSON.parse(await (await logInBy(publicUrl, device)).text());

  delay = 60_000;
  for (let sent = 0; sent < 5; sent++) {
    const refused = await logInBy(publicUrl, device);
    expect(refused.status).toBe(503);
    const { reason, retry_after } = JSON.parse(await refused.text());
    expect(reason).toBe("unavailable");
    expect(refused.headers.get("retry-after")).toBe(String(retry_after));
  }
  const answers = await Promise.all([
    fetch(new URL("/auth/check", publicUrl), { headers: { "x-access-token": token } }),
    ...["/.well-known/jwks.json", "/auth/time", "/livez", "/readyz"].map((path) => fetch(new URL(path, publicUrl))),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  const metrics = await (await fetch(new URL("/metrics", internalUrl))).text();
  expect(metrics).toContain("countersign_logins_shed_total 5\n");

  delay = 0;
  const again = await logInBy(publicUrl, device);
  expect([again.status, again.headers.get("x-ratelimit-remaining")]).toEqual([200, "0"]);
});

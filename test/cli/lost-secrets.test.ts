// A lost master key: `serve` refuses to start, and drops what it sealed when told to.

import { expect, test } from "vitest";
import { runCommand } from "../command.ts";
import { run, serve, temporaryFolder } from "../program.ts";

const OLD = "11".repeat(32);
const NEW = "22".repeat(32);
const CUSTOMER_KEY = "flashed-long-ago-0123456789";

const CURES =
  "Set COUNTERSIGN_MASTER_KEY to the key that sealed them, or add it to COUNTERSIGN_OTHER_MASTER_KEYS. If it is lost, start once with --forget-lost-secrets: this drops the customer keys that it sealed, to be imported again, and signs tokens with a new key if theirs is lost (docs/secrets.md)";

test("serve --forget-lost-secrets starts with all customers and devices, and without their keys", {
  timeout: 60_000,
}, async () => {
  const folder = temporaryFolder();
  const place = { COUNTERSIGN_DATA_DIR: folder, COUNTERSIGN_LOG_LEVEL: "info" };
  const start = (masterKey: string, ...args: readonly string[]) =>
    serve(folder, { env: { ...place, COUNTERSIGN_MASTER_KEY: masterKey } }, args);

  const before = await start(OLD);
  const manage = async (internalUrl: string, ...args: readonly string[]): Promise<string> => {
    const env = { ...place, COUNTERSIGN_INTERNAL_URL: internalUrl };
    const { status, stdout, stderr } = await runCommand(args, { env, input: CUSTOMER_KEY });
    expect([args, status, stderr]).toEqual([args, 0, ""]);
    return stdout;
  };
  const logIn = async (publicUrl: string): Promise<readonly [number | null, string]> => {
    const env = { COUNTERSIGN_CUSTOMER_KEY: CUSTOMER_KEY };
    const { status, stderr } = await runCommand(["login", "--device-key", "pump", "--url", publicUrl], { env });
    return [status, stderr];
  };
  const customer = JSON.parse(await manage(before.internalUrl, "customers", "create", "--name", "Acme", "--json"));
  const customerId: string = customer.customer_id;
  const importKey = ["customer-keys", "issue", "--customer", customerId, "--import", "-"];
  await manage(before.internalUrl, ...importKey);
  await manage(before.internalUrl, "devices", "create", "--customer", customerId, "--device-key", "pump");
  expect(await logIn(before.publicUrl)).toEqual([0, ""]);
  await before.end("SIGTERM");

  // 1. With another key alone it names what is missing, and changes nothing.
  const refused = await run(["serve", "--dev"], {
    env: { ...place, COUNTERSIGN_MASTER_KEY: NEW, COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0" },
  });
  expect([refused.status, refused.stderr]).toEqual([
    1,
    // The second one is the demo device's.
    `countersign: the signing key and 2 customer keys cannot be opened with the master keys of this gateway. ${CURES}\n`,
  ]);
  const unharmed = await start(OLD);
  expect(await logIn(unharmed.publicUrl)).toEqual([0, ""]);
  await unharmed.end("SIGTERM");

  // 2. With the flag it starts, logs how much is lost, and refuses the device, which it still knows.
  const after = await start(NEW, "--forget-lost-secrets");
  expect((await logIn(after.publicUrl))[1]).toMatch(/^countersign: invalid_credentials: /);
  const events = await manage(after.internalUrl, "audit", "list", "--json");
  expect(events).toMatch(/"ForgetLostSecrets"/);
  expect(await manage(after.internalUrl, "secrets", "reseal")).toBe(
    "resealed 0\nAll secrets are sealed with COUNTERSIGN_MASTER_KEY. Remove the old one from COUNTERSIGN_OTHER_MASTER_KEYS.\n",
  );

  // 3. Once the secret is imported again, the device logs in, also after a start without the flag.
  await manage(after.internalUrl, ...importKey);
  await expect.poll(() => logIn(after.publicUrl), { timeout: 5_000 }).toEqual([0, ""]);
  await after.end("SIGTERM");
  expect(after.log()).toMatch(/"customer_keys":2,"signing_keys":2/);
  const later = await start(NEW);
  expect(await logIn(later.publicUrl)).toEqual([0, ""]);
});

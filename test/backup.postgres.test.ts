// Backs up PostgreSQL by docs/secrets.md; moves SQLite to PostgreSQL by docs/postgresql.md.

import { randomBytes } from "node:crypto";
import { dirname, resolve } from "node:path";
import { expect, test } from "vitest";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { startBareGateway } from "./gateway.ts";
import { exampleOf, makeCheckout, makeNpx, runShell } from "./pages.ts";
import { findProgram } from "./postgres/server.ts";
import { temporaryFolder } from "./program.ts";
import { expectToRestore, fillRegistry, readRegistry, statusesOf } from "./registry-copy.ts";
import { emptyPostgres, execute } from "./store/database.ts";

test("a dump made while a gateway writes restores the registry of that moment", async () => {
  const cwd = temporaryFolder();
  const { url } = await emptyPostgres();
  const restoredUrl = await asPlainUser((await emptyPostgres()).url);
  const folders = [makeNpx(), dirname(findProgram("pg_dump"))];
  const follow = (name: "backup" | "restore", databaseUrl: string) => {
    const example = exampleOf("docs/secrets.md", "sh", `npx countersign ${name}`);
    return runShell(example, { cwd, env: { COUNTERSIGN_DATABASE_URL: databaseUrl }, folders });
  };
  await expectToRestore({
    settings: { DATA_DIR: cwd, DATABASE_URL: url },
    restoredSettings: { DATA_DIR: cwd, DATABASE_URL: restoredUrl },
    async backUp() {
      await expect(follow("backup", restoredUrl)).rejects.toThrow("has no registry");
      await follow("backup", url);
    },
    async restore() {
      await expect(follow("restore", url)).rejects.toThrow("has a registry already");
      await follow("restore", restoredUrl);
    },
  });
});

/** The URL of a user with only the rights of a gateway, which cannot create databases. */
async function asPlainUser(url: string): Promise<string> {
  const [username, password] = [`plain_${randomBytes(6).toString("hex")}`, randomBytes(12).toString("hex")];
  await execute(url, `create role ${username} login password '${password}'`);
  await execute(url, `grant create on schema public to ${username}`);
  return Object.assign(new URL(url), { username, password }).href;
}

test("customers, keys, devices, signing keys and audit log move from SQLite, and logins continue", async () => {
  const checkout = makeCheckout();
  const { url } = await emptyPostgres();
  const settings = { DATA_DIR: resolve(checkout, "data") };
  // The page's `read` gets the URL on standard input.
  const examples = ["read -rs", "npx node"].map((text) => exampleOf("docs/postgresql.md", "sh", text));
  const steps = ['exec <<<"$URL"', ...examples].join("\n");
  const move = () => runShell(steps, { cwd: checkout, env: { URL: url }, folders: [makeNpx()] }, "bash");

  const before = await startBareGateway(settings);
  const { shared, own } = await fillRegistry(before);
  const stored = await readRegistry(before);
  await before.close();
  expect(stored.devices.length).toBe(1_201);

  const fresh = await startBareGateway({ ...settings, DATABASE_URL: url });
  await fresh.close();
  await move();

  const after = await startBareGateway({ ...settings, DATABASE_URL: url });
  expect(await readRegistry(after)).toEqual(stored);
  expect(await statusesOf(after, [shared, own], Math.floor(Date.now() / 1000))).toEqual([200, 200]);
  await after.registry.devices.delete("pump-8", "", GATEWAY);
  const { events } = await readRegistry(after);
  expect(events.map(({ action }) => action)).toEqual(["DeleteDevice", ...stored.events.map(({ action }) => action)]);

  // A repetition by mistake destroys nothing.
  await expect(move()).rejects.toThrow("there are customers in PostgreSQL already");
  expect((await readRegistry(after)).events).toEqual(events);
});

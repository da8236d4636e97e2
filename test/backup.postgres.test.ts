// Backups of SQLite and PostgreSQL, made while a gateway writes and restored as docs/secrets.md says.

import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Environment } from "../src/config.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { type BareGateway, NO_LIMITS, startBareGateway } from "./gateway.ts";
import { exampleOf, makeNpx, runShell } from "./pages.ts";
import { findProgram } from "./postgres/server.ts";
import { run, temporaryFolder } from "./program.ts";
import { fillRegistry, readRegistry, statusesOf } from "./registry-contents.ts";
import { emptyPostgres, execute } from "./store/connections.ts";

const PAGE = "docs/secrets.md";

interface BackupSite {
  /** The settings of a gateway before the backup is restored, and after. */
  readonly settings: Environment & { readonly DATA_DIR: string };
  readonly restoredSettings: Environment & { readonly DATA_DIR: string };
  backUp(): Promise<void>;
  /** Restores the backup; no gateway runs meanwhile. */
  restore(): Promise<void>;
}

const ENROLLED_BEFORE = 20;
const SOON = { timeout: 100_000, interval: 1 };

async function tellBackupStory(site: BackupSite): Promise<void> {
  const before = await startBareGateway({ ...NO_LIMITS, ...site.settings });
  const { registry } = before;
  const { shared, own, keyId } = await fillRegistry(before);
  const stored = await readRegistry(before);
  const now = Math.floor(Date.now() / 1000);

  // 1. Back up during writes: the backup has every change that was acknowledged before.
  const writer = writeDevices(before);
  const enrolled = await writer.written(ENROLLED_BEFORE);
  await site.backUp();
  // After a quick backup, too, the gateway keeps writing.
  await writer.written(enrolled.length + 1);
  await writer.stop();

  // 2. Change the registry afterwards.
  await registry.devices.update(own.deviceKey, { status: "disabled" }, "", GATEWAY);
  await registry.devices.create({ customerId: "acme", deviceKey: "late" }, GATEWAY);
  await registry.customerKeys.retire(keyId, false, GATEWAY);
  expect(await statusesOf(before, [shared, own], now)).toEqual([401, 403]);
  await before.close();

  // 3. Restore: the device is enabled and the key live again; later changes are gone.
  await site.restore();
  const after = await startBareGateway({ ...NO_LIMITS, ...site.restoredSettings });
  const { customers, keys, devices, events } = await readRegistry(after);
  expect([customers, keys]).toEqual([stored.customers, stored.keys]);
  const isWritten = ({ deviceKey }: { readonly deviceKey: string }): boolean => deviceKey.startsWith("written-");
  expect(devices.filter((device) => !isWritten(device))).toEqual(stored.devices);
  const written = devices.filter(isWritten).map(({ deviceKey }) => deviceKey);
  expect(written).toEqual(expect.arrayContaining([...enrolled]));
  const actions = new Set(events.map(({ action }) => action));
  expect([actions.has("CreateDevice"), actions.has("RetireCustomerKey")]).toEqual([true, false]);
  expect(await statusesOf(after, [shared, own], now)).toEqual([200, 200]);
  // The restored database accepts changes.
  await after.registry.devices.update(own.deviceKey, { status: "disabled" }, "", GATEWAY);
  await after.close();
}

/** Enrols one device after another. */
function writeDevices({ registry }: BareGateway) {
  const acknowledged: string[] = [];
  let stopped = false;
  const writing = (async () => {
    for (let number = 0; !stopped; number++) {
      const { deviceKey } = await registry.devices.create(
        { customerId: "acme", deviceKey: `written-${number}` },
        GATEWAY,
      );
      acknowledged.push(deviceKey);
      // SQLite answers within the turn: without a pause nothing else would run.
      await nextTurn();
    }
  })();
  return {
    /** Resolves once `count` devices are acknowledged. @returns their names */
    async written(count: number): Promise<readonly string[]> {
      await expect.poll(() => acknowledged.length, SOON).toBeGreaterThanOrEqual(count);
      return [...acknowledged];
    },
    stop(): Promise<void> {
      stopped = true;
      return writing;
    },
  };
}

const FILES = ["countersign.db", "countersign.db-wal", "countersign.db-shm"];

test("a backup made while a gateway writes restores the registry of that moment", async () => {
  const cwd = temporaryFolder();
  const shell = { cwd, folders: [makeNpx()] };
  const data = join(cwd, "data");
  const settings = { DATA_DIR: data };
  await tellBackupStory({
    settings,
    restoredSettings: settings,
    async backUp() {
      await runShell(exampleOf(PAGE, "sh", "npx countersign backup"), shell);
      expect(statSync(join(cwd, "countersign.backup")).mode & 0o777).toBe(0o600);
      await expect(runShell(exampleOf(PAGE, "sh", "npx countersign backup"), shell)).rejects.toThrow(
        "exists. Name a new file",
      );
    },
    async restore() {
      const restore = exampleOf(PAGE, "sh", "npx countersign restore");
      await expect(runShell(restore, shell)).rejects.toThrow("there is a database already");
      mkdirSync(join(cwd, "away"));
      for (const file of FILES) if (isThere(join(data, file))) renameSync(join(data, file), join(cwd, "away", file));
      await runShell(restore, shell);
    },
  });
});

test.each([
  ["no database at all", ["backup", "--output", "new"], "there is no database at"],
  ["a backup that is not a database", ["restore", "cut"], "is not a complete SQLite backup"],
  ["a missing backup", ["restore", "missing"], "there is no file"],
])("refuses %s, and leaves nothing", async (_name, words, message) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "cut"), "SQLite format 3");
  const args = words.map((word) => (["new", "cut", "missing"].includes(word) ? join(folder, word) : word));
  const { status, stderr } = await run(args, { env: { COUNTERSIGN_DATA_DIR: join(folder, "data") } });
  expect([status, stderr]).toEqual([1, expect.stringContaining(message)]);
  expect(isThere(join(folder, "new"))).toBe(false);
  expect(isThere(join(folder, "data", "countersign.db"))).toBe(false);
});

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

test("a dump made while a gateway writes restores the registry of that moment", async () => {
  const cwd = temporaryFolder();
  const { url } = await emptyPostgres();
  const restoredUrl = await asPlainUser((await emptyPostgres()).url);
  const folders = [makeNpx(), dirname(findProgram("pg_dump"))];
  const shellOn = (databaseUrl: string) => ({ cwd, env: { COUNTERSIGN_DATABASE_URL: databaseUrl }, folders });
  const restore = exampleOf(PAGE, "sh", "npx countersign restore");
  await tellBackupStory({
    settings: { DATA_DIR: cwd, DATABASE_URL: url },
    restoredSettings: { DATA_DIR: cwd, DATABASE_URL: restoredUrl },
    async backUp() {
      const backUp = exampleOf(PAGE, "sh", "npx countersign backup");
      await expect(runShell(backUp, shellOn(restoredUrl))).rejects.toThrow("has no registry");
      await runShell(backUp, shellOn(url));
    },
    async restore() {
      await expect(runShell(restore, shellOn(url))).rejects.toThrow("has a registry already");
      await runShell(restore, shellOn(restoredUrl));
    },
  });
});

/** The URL of a user with only the rights of a gateway, which cannot create databases. */
async function asPlainUser(url: string): Promise<string> {
  const [name, password] = [`plain_${randomBytes(6).toString("hex")}`, randomBytes(12).toString("hex")];
  await execute(url, `create role ${name} login password '${password}'`);
  await execute(url, `grant create on schema public to ${name}`);
  const plain = new URL(url);
  plain.username = name;
  plain.password = password;
  return plain.href;
}

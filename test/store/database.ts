// Databases and stores for a test, on disk or on the PostgreSQL of the run.

import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { inject, onTestFinished } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore, type Store } from "../../src/store/sql.ts";
import { openSqlite } from "../../src/store/sqlite.ts";

const MASTER_KEY = Buffer.alloc(32, 1);

/** An empty database. */
export interface Empty {
  /** Opens a connection, as a process of its own does; it is closed when the test ends. */
  connect(): Promise<Database>;
}

/** Creates a file in its own folder, which is removed when the test ends. */
export function emptySqlite(): Empty & { readonly folder: string; readonly path: string } {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "countersign.db");
  return { folder, path, connect: async () => closing(openSqlite(path)) };
}

/** Creates a database on the PostgreSQL of the run, empty or a copy of `template`, which is dropped when the test ends. */
export async function emptyPostgres(template?: string): Promise<Empty & { readonly url: string }> {
  const { name, url } = await makePostgres(template);
  onTestFinished(() => execute(inject("postgresUrl") ?? "", `drop database ${name} with (force)`));
  return { url, connect: async () => closing(await openPatiently(url)) };
}

async function makePostgres(template?: string): Promise<{ readonly name: string; readonly url: string }> {
  const server = inject("postgresUrl");
  if (server === undefined) throw new Error("there is no PostgreSQL. Run: npm test");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await execute(server, `create database ${name}${template === undefined ? "" : ` template ${template}`}`);
  return { name, url: Object.assign(new URL(server), { pathname: `/${name}` }).href };
}

/** Opens with long timeouts, since other tests keep the machine busy. */
function openPatiently(url: string): Promise<Database> {
  return openPostgres({ url, connectMs: 20_000, answerMs: 10_000 });
}

function closing(database: Database): Database {
  onTestFinished(() => database.close());
  return database;
}

export async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

export interface TestDatabase {
  readonly database: Database;
  readonly store: Store;
  /** Faults that the store and its reopened copies reported for secrets that cannot be unsealed. */
  readonly faults: readonly unknown[];
  /** Opens the same database again, as another process does. */
  reopen(masterKeys?: readonly Uint8Array[]): Promise<Store>;
  /** Closes the database: later calls fail. */
  close(): Promise<void>;
}

/** Opens SQLite in its own folder, which is removed when the test ends. */
export async function openDatabase(): Promise<TestDatabase & { readonly folder: string }> {
  const { folder, connect } = emptySqlite();
  return { ...(await openStore(connect)), folder };
}

/** Opens a database on the PostgreSQL of the run, which is dropped when the test ends. */
export async function openPostgresDatabase(): Promise<TestDatabase> {
  // Copying a database is faster than migrating one. On a server that stays, no template may be left behind.
  if (!process.env["COUNTERSIGN_TEST_POSTGRES_URL"]) template ??= makeTemplate();
  return openStore((await emptyPostgres(await template)).connect);
}

let template: Promise<string> | undefined;

/** Creates a template, which is removed with the server. @returns its name */
async function makeTemplate(): Promise<string> {
  const { name, url } = await makePostgres();
  const database = await openPatiently(url);
  await migrate(database);
  await database.close();
  return name;
}

async function openStore(connect: Empty["connect"]): Promise<TestDatabase> {
  const faults: unknown[] = [];
  const createOn = async (database: Database, masterKeys: readonly Uint8Array[]): Promise<Store> => {
    await migrate(database);
    return createStore(database, createSealer(masterKeys), (fault) => faults.push(fault));
  };

  const database = await connect();
  return {
    database,
    store: await createOn(database, [MASTER_KEY]),
    faults,
    reopen: async (masterKeys = [MASTER_KEY]) => createOn(await connect(), masterKeys),
    close: () => database.close(),
  };
}

// Opens databases and stores for a test, in SQLite or PostgreSQL.

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

/** Creates a database on the PostgreSQL of the run, which is dropped when the test ends. */
export async function emptyPostgres(): Promise<Empty & { readonly url: string }> {
  const server = inject("postgresUrl");
  if (server === undefined) throw new Error("there is no PostgreSQL. Run: npm test");
  const name = `test_${randomBytes(8).toString("hex")}`;
  await execute(server, `create database ${name}`);
  onTestFinished(() => execute(server, `drop database ${name} with (force)`));
  const url = Object.assign(new URL(server), { pathname: `/${name}` }).href;
  // Long timeouts, since other tests keep the machine busy.
  return { url, connect: async () => closing(await openPostgres({ url, connectMs: 20_000, answerMs: 10_000 })) };
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

export type TestDatabase = Awaited<ReturnType<typeof openStore>>;

/** Opens SQLite in its own folder, which is removed when the test ends. */
export async function openDatabase() {
  const { folder, connect } = emptySqlite();
  return { ...(await openStore(connect)), folder };
}

/** Opens a database on the PostgreSQL of the run, which is dropped when the test ends. */
export async function openPostgresDatabase(): Promise<TestDatabase> {
  return openStore((await emptyPostgres()).connect);
}

async function openStore(connect: Empty["connect"]) {
  const faults: unknown[] = [];
  const createOn = async (database: Database, masterKeys: readonly Uint8Array[]): Promise<Store> => {
    await migrate(database);
    return createStore(database, createSealer(masterKeys), (fault) => faults.push(fault));
  };

  const database = await connect();
  return {
    database,
    store: await createOn(database, [MASTER_KEY]),
    /** Faults that the store and its reopened copies reported for secrets that cannot be unsealed. */
    faults,
    /** Opens the same database again, as another process does. */
    reopen: async (masterKeys: readonly Uint8Array[] = [MASTER_KEY]) => createOn(await connect(), masterKeys),
    /** Closes the database: later calls fail. */
    close: () => database.close(),
  };
}

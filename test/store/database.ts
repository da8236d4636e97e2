// A store for a test, in its own database on disk or on the PostgreSQL of the run.

import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore, type Store } from "../../src/store/sql.ts";
import { type Empty, emptyPostgres, emptySqlite, makePostgres, PATIENT } from "./connections.ts";

const MASTER_KEY = Buffer.alloc(32, 1);

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
export async function openDatabase(): Promise<TestDatabase & Omit<ReturnType<typeof emptySqlite>, "connect">> {
  const { connect, ...place } = emptySqlite();
  return { ...(await openStore(connect)), ...place };
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
  const database = await openPostgres({ url, ...PATIENT });
  await migrate(database);
  await database.close();
  return name;
}

async function openStore(connect: Empty["connect"]): Promise<TestDatabase> {
  const faults: unknown[] = [];
  const createOn = (database: Database, masterKeys: readonly Uint8Array[]): Store =>
    createStore(database, createSealer(masterKeys), (fault) => faults.push(fault));

  const database = await connect();
  await migrate(database);
  return {
    database,
    store: createOn(database, [MASTER_KEY]),
    faults,
    async reopen(masterKeys = [MASTER_KEY]) {
      const other = await connect();
      await migrate(other);
      return createOn(other, masterKeys);
    },
    close: () => database.close(),
  };
}

// SQLite through node:sqlite, as a Kysely database.

import { closeSync, openSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { Kysely, SqliteAdapter, type SqliteDatabase, SqliteDialect, type SqliteStatement } from "kysely";
import { createDatabase, type Database } from "./database.ts";
import type { OutageListener } from "./outage.ts";
import type { Schema } from "./schema.ts";

/**
 * How long a statement waits for another connection's transaction, in milliseconds. This wait blocks the event loop; `whenFree` of
 * database.ts waits for longer without blocking it.
 */
const BUSY_TIMEOUT_MS = 10;
/** Room for the upper levels of the indexes of a million devices. The default, 2 MB, is too small. */
const READING_CACHE_KIB = 4_000;
/** Room also for the pages that one request of an import changes, in random order. */
const WRITING_CACHE_KIB = 6_000;
const WAL_WAIT_MS = 5_000;
const WAL_PAUSE_MS = 20;

/**
 * Opens or creates the database file. Commits are on disk when they return. Reads have their own connection: they see committed
 * rows and wait for no transaction.
 */
export function openSqlite(path: string, listener?: OutageListener): Database {
  // SQLite would create a file that everyone can read. The journals copy the mode of this file.
  closeSync(openSync(path, "a", 0o600));
  const writing = connect(path, WRITING_CACHE_KIB);
  // In pages. With the default, 1,000, each commit of an import would copy the same pages into the database again. A larger value
  // is faster, but blocks logins for longer at a time.
  writing.exec("PRAGMA wal_autocheckpoint = 4000");
  const reading = connect(path, READING_CACHE_KIB);
  for (const database of [writing, reading]) database.exec("PRAGMA synchronous = FULL");
  const inBatch = batchReads(reading);
  const [db, writer] = [kyselyOn(reading), kyselyOn(writing)];
  return createDatabase(
    {
      dialect: "sqlite",
      db,
      writer,
      blocksOnLocks: true,
      isBusy,
      isAway,
      lookUp(query) {
        const columns = query.names.map((name) => `? as ${name}`).join(", ");
        const text = query.sql(`(select 1 as ordinal, ${columns}) as asked`);
        let statement: StatementSync | undefined;
        return (names) =>
          inBatch(() => {
            statement ??= prepareRows(reading, text);
            return rowsOf(statement.all(...names));
          });
      },
      probe: async () => reading.prepare("select count(*) from (select 1 from sqlite_schema limit 1)").get(),
      async close() {
        await Promise.all([db.destroy(), writer.destroy()]);
        // Kysely closes only used connections.
        for (const database of [reading, writing]) if (database.isOpen) database.close();
      },
    },
    listener,
  );
}

function connect(path: string, cacheKib: number): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  turnOnWal(database);
  // After WAL, since this pragma reads the file, which is locked while another process turns WAL on.
  database.exec(`PRAGMA cache_size = -${cacheKib}`);
  return database;
}

/**
 * Runs the reads of one turn of the event loop in one transaction, which begins after all of them were requested. Each
 * transaction takes locks, which cost as much as a search. Reads in a row also keep the processor's caches warm.
 */
function batchReads(database: DatabaseSync): <Result>(read: () => Result) => Promise<Result> {
  const [begin, commit] = [database.prepare("begin"), database.prepare("commit")];
  let queue: (() => void)[] = [];

  function run(): void {
    const reads = queue;
    queue = [];
    const isBatch = reads.length > 1 && database.isOpen;
    if (isBatch) begin.run();
    for (const read of reads) read();
    if (isBatch && database.isTransaction) commit.run();
  }

  return (read) =>
    new Promise((resolve, reject) => {
      if (queue.length === 0) setImmediate(run);
      queue.push(() => {
        try {
          resolve(read());
        } catch (error) {
          reject(error);
        }
      });
    });
}

/** Prepares a query whose rows are arrays. */
function prepareRows(database: DatabaseSync, text: string): StatementSync {
  const statement = database.prepare(text);
  statement.setReturnArrays(true);
  return statement;
}

function kyselyOn(database: DatabaseSync): Kysely<Schema> {
  return new Kysely<Schema>({ dialect: new TransactionalSqliteDialect({ database: adapt(database) }) });
}

/** Gives rows the type that the caller expects of its query. */
function rowsOf<Row>(rows: unknown): readonly Row[];
function rowsOf(rows: unknown): unknown {
  return rows;
}

/** SQLITE_BUSY and SQLITE_LOCKED; the low byte of an extended code (sqlite.org/rescode.html). */
const BUSY = [5, 6];

function isBusy(error: unknown): boolean {
  return BUSY.includes(codeOf(error) & 0xff);
}

/** SQLITE_ERROR, _CONSTRAINT, _MISMATCH, _MISUSE and _RANGE are bugs of a query; other errors come from the file or its disk. */
const BUGS = [1, 19, 20, 21, 25];

function isAway(error: unknown): boolean {
  // The error of a closed database has no code of SQLite.
  if (error instanceof Error && "code" in error && error.code === "ERR_INVALID_STATE") return true;
  if (error instanceof Error && error.message === "driver has already been destroyed") return true;
  const code = codeOf(error) & 0xff;
  return code > 0 && !BUGS.includes(code);
}

function codeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number" ? error.errcode : 0;
}

/** Turns WAL on. SQLite does not wait for locks here, so processes that start together retry. */
function turnOnWal(database: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; ; waited += WAL_PAUSE_MS) {
    try {
      database.exec("PRAGMA journal_mode = WAL");
      return;
    } catch (error) {
      if (!isBusy(error) || waited >= WAL_WAIT_MS) throw error;
      Atomics.wait(pause, 0, 0, WAL_PAUSE_MS);
    }
  }
}

/** Tells Kysely that SQLite's schema changes can be in a transaction; without that, it runs migrations outside of one. */
class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new (class extends SqliteAdapter {
      override get supportsTransactionalDdl(): boolean {
        return true;
      }
    })();
  }
}

const NOTHING_DONE = { changes: 0, lastInsertRowid: 0 };

/** The most statements that are cached. Without a bound, statements built from data would accumulate. */
const MAX_PREPARED = 200;

/** Adapts node:sqlite to the driver interface of Kysely. */
function adapt(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();

  function prepare(sql: string): SqliteStatement {
    // A transaction that begins with a read fails at its first write if another process has written meanwhile.
    const statement = database.prepare(sql === "begin" ? "begin immediate" : sql);
    // SQLite itself rolls back after some errors, such as a full disk; a second rollback would hide the first error.
    const isRolledBack = (): boolean => sql === "rollback" && !database.isTransaction;
    return {
      reader: statement.columns().length > 0,
      all: (parameters) => statement.all(...parameters.map(bind)),
      run: (parameters) => (isRolledBack() ? NOTHING_DONE : statement.run(...parameters.map(bind))),
      iterate: (parameters) => statement.iterate(...parameters.map(bind)),
    };
  }

  return {
    prepare(sql) {
      const statement = prepared.get(sql) ?? prepare(sql);
      if (prepared.size < MAX_PREPARED) prepared.set(sql, statement);
      return statement;
    },
    close: () => database.close(),
  };
}

function bind(value: unknown): SQLInputValue {
  if (value === null || typeof value === "number" || typeof value === "string" || typeof value === "bigint")
    return value;
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`SQLite has no column for a ${typeof value}`);
}

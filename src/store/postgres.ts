// PostgreSQL through pg, as a Kysely database. Knows the connection, and no table.

import { isIPv6 } from "node:net";
import { Kysely, PostgresDialect, sql } from "kysely";
import { Client } from "pg";
import { createDatabase, type Database } from "./database.ts";
import { explainOpening, isAway, isBusy, type Whereabouts } from "./postgres-errors.ts";
import { createPool } from "./postgres-pool.ts";
import { openSession } from "./postgres-session.ts";
import type { Schema } from "./schema.ts";

export interface PostgresOptions {
  /** `postgres://…`; TLS by its sslmode. */
  readonly url: string;
  /** Connections at once of those who read, beside the one that hears of changes. */
  readonly readers?: number;
  /** Connections at once of those who write. */
  readonly writers?: number;
  /** How long a connection may take to come about, or to be free, in milliseconds. */
  readonly connectMs?: number;
  /** How long a statement may take, in milliseconds. */
  readonly statementMs?: number;
  /** Hears of connections that broke while nobody used them. */
  readonly onFault?: (error: unknown) => void;
}

/** Who writes may wait for a lock: on connections of their own, so that no login's look-up waits with them. */
const READERS = 6;
const WRITERS = 4;
const CONNECT_MS = 3_000;
const STATEMENT_MS = 10_000;
/** Who reads waits for nobody but a newer gateway that changes the schema, and that lets others pass each second. */
const READERS_LOCK_MS = 5_000;
/** Who writes gives the connection to others for a while, and comes again: a login that ends a device's move needs one, too. */
const WRITERS_LOCK_MS = 250;
/** The first with transaction ids of 64 bits, which tell whose changes were not seen yet. */
const OLDEST_VERSION = 13;

/**
 * Opens a database; resolves once it has answered. @throws Error whose message is one line with the cure, and no secret
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, readers = READERS, writers = WRITERS, onFault = () => {} } = options;
  const { connectMs = CONNECT_MS, statementMs = STATEMENT_MS } = options;
  const open = (size: number, longestMs: number | undefined, lockMs: number): Kysely<Schema> =>
    new Kysely({
      dialect: new PostgresDialect({
        pool: createPool({ url, size, connectMs, statementMs: longestMs, lockMs, onFault }),
      }),
    });
  const db = open(readers, statementMs, READERS_LOCK_MS);
  try {
    await requireVersion(db);
  } catch (error) {
    await db.destroy();
    throw explainOpening(error, whereaboutsOf(url));
  }
  const writer = open(writers, statementMs, WRITERS_LOCK_MS);
  // Kysely closes what was used once: one that was not would connect after the end.
  await writer.connection().execute(async () => {});
  return createDatabase(db, {
    dialect: "postgres",
    writer,
    listen: (channel, hearing) => openSession(url, channel, hearing),
    async unhurried(act) {
      const apart = open(1, undefined, READERS_LOCK_MS);
      try {
        return await act(apart);
      } finally {
        await apart.destroy();
      }
    },
    waitsInPlace: false,
    isBusy,
    isAway,
    async close() {
      await Promise.all([db.destroy(), writer.destroy()]);
    },
  });
}

/** What may be told of a URL, as pg reads it. */
export function whereaboutsOf(connectionString: string): Whereabouts {
  const { host, port, database = "", user = "" } = new Client({ connectionString });
  return { place: `${isIPv6(host) ? `[${host}]` : host}:${port}`, database, user };
}

async function requireVersion(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(db);
  const major = Math.floor(Number(rows[0]?.version) / 10_000);
  if (!(major >= OLDEST_VERSION)) {
    throw new Error(`PostgreSQL ${major} is too old. Use ${OLDEST_VERSION} or newer`);
  }
}

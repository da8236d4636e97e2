// PostgreSQL through pg, as a Kysely database. Knows the connection, and no table.

import { Kysely, PostgresDialect, sql } from "kysely";
import { createDatabase, type Database } from "./database.ts";
import { explainOpening, isAway, isBusy } from "./postgres-errors.ts";
import { createPool } from "./postgres-pool.ts";
import { openSession } from "./postgres-session.ts";
import type { Schema } from "./schema.ts";

export interface PostgresOptions {
  /** `postgres://…`; TLS by its sslmode. */
  readonly url: string;
  /** Connections at once, beside the one that hears of changes. */
  readonly poolSize?: number;
  /** How long a connection may take to come about, or to be free, in milliseconds. */
  readonly connectMs?: number;
  /** How long a statement may take, in milliseconds. */
  readonly statementMs?: number;
  /** Hears of connections that broke while nobody used them. */
  readonly onFault?: (error: unknown) => void;
}

const POOL_SIZE = 10;
const CONNECT_MS = 3_000;
const STATEMENT_MS = 10_000;
/** The first with transaction ids of 64 bits, which tell whose changes were not seen yet. */
const OLDEST_VERSION = 13;

/**
 * Opens a database; resolves once it has answered. @throws Error whose message is one line with the cure, and no secret
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, poolSize = POOL_SIZE, connectMs = CONNECT_MS, statementMs = STATEMENT_MS, onFault = () => {} } = options;
  const open = (size: number, longestMs: number | undefined): Kysely<Schema> =>
    new Kysely({
      dialect: new PostgresDialect({ pool: createPool({ url, size, connectMs, statementMs: longestMs, onFault }) }),
    });
  const db = open(poolSize, statementMs);
  try {
    await requireVersion(db);
  } catch (error) {
    await db.destroy();
    throw explainOpening(error, url);
  }
  return createDatabase(db, {
    dialect: "postgres",
    listen: (channel, hearing) => openSession(url, channel, hearing),
    async unhurried(act) {
      const apart = open(1, undefined);
      try {
        return await act(apart);
      } finally {
        await apart.destroy();
      }
    },
    isBusy,
    isAway,
    close: () => db.destroy(),
  });
}

async function requireVersion(db: Kysely<Schema>): Promise<void> {
  const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(db);
  const major = Math.floor(Number(rows[0]?.version) / 10_000);
  if (!(major >= OLDEST_VERSION)) {
    throw new Error(`PostgreSQL ${major} is too old. Use ${OLDEST_VERSION} or newer`);
  }
}

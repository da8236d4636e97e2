// PostgreSQL through pg, as a Kysely database.

import { isIPv6 } from "node:net";
import { Kysely, PostgresDialect, type PostgresPool, sql } from "kysely";
import { Client, type QueryArrayConfig, type QueryConfig } from "pg";
import { createDeadline } from "../core/deadline.ts";
import { createDatabase, type Database, type LookUpQuery } from "./database.ts";
import type { OutageListener } from "./outage.ts";
import { type ConnectionTarget, explainOpening, isAway, isBusy } from "./postgres/errors.ts";
import { ANSWER_MS, createLookUps, type LookUps } from "./postgres/look-ups.ts";
import { createPool } from "./postgres/pool.ts";
import type { Schema } from "./schema.ts";

export interface PostgresOptions {
  /** `postgres://…`; TLS by its sslmode. */
  readonly url: string;
  readonly listener?: OutageListener;
  /** Connections for reads other than look-ups. */
  readonly readers?: number;
  /** Longest wait for a connection to open or to become free, in milliseconds. */
  readonly connectMs?: number;
  /** How long a statement may take, in milliseconds. */
  readonly statementMs?: number;
  /** How long a look-up of a login or token check may take, in milliseconds. */
  readonly answerMs?: number;
}

/** Connections for look-ups of logins. Other reads and transactions have their own: none waits for another. */
const LOOK_UPS = 4;
const READERS = 3;
const WRITERS = 4;
const CONNECT_MS = 3_000;
const STATEMENT_MS = 10_000;
/** Reads wait only for a newer gateway's migration, which releases its locks each second. */
const READERS_LOCK_MS = 5_000;
/** A writer that is blocked for this time frees its connection and tries again later. */
const WRITERS_LOCK_MS = 250;

/**
 * Opens a database; resolves once it has answered. @throws Error whose message is one line with the cure, and no secret
 */
export async function openPostgres(options: PostgresOptions): Promise<Database> {
  const { url, listener, readers = READERS } = options;
  const { connectMs = CONNECT_MS, statementMs = STATEMENT_MS, answerMs = ANSWER_MS } = options;
  const kyselyOn = (pool: PostgresPool): Kysely<Schema> => new Kysely({ dialect: new PostgresDialect({ pool }) });
  const open = (size: number, lockMs: number): Kysely<Schema> =>
    kyselyOn(createPool({ url, size, connectMs, statementMs, lockMs }));
  const db = open(readers, READERS_LOCK_MS);
  const writer = open(WRITERS, WRITERS_LOCK_MS);
  try {
    await sql`select 1`.execute(db);
    // Kysely closes only a pool that was used. An unused one could connect after the end.
    await writer.connection().execute(async () => {});
  } catch (error) {
    await Promise.all([db.destroy(), writer.destroy()]);
    throw explainOpening(error, targetOf(url));
  }
  const lookUpPool = createPool({
    url,
    size: LOOK_UPS,
    connectMs: answerMs,
    statementMs: answerMs,
    lockMs: answerMs,
  });
  // pg's own timer expires after a pause of this process, though the answer has arrived.
  const within = createDeadline(answerMs, () =>
    Object.assign(new Error(`no answer within ${answerMs} ms`), { code: "ETIMEDOUT" }),
  );
  async function ask<Row>(query: QueryConfig | QueryArrayConfig): Promise<readonly Row[]> {
    const client = await lookUpPool.connect();
    try {
      return (await client.ask<Row>(query)).rows;
    } finally {
      client.release();
    }
  }
  let lookUps: LookUps | undefined;
  return createDatabase(
    {
      dialect: "postgres",
      db,
      writer,
      blocksOnLocks: false,
      isBusy,
      isAway,
      lookUp(query, outage) {
        lookUps ??= createLookUps({ outage, answerMs });
        return lookUps.batch((batch: readonly (readonly string[])[]) => askAll(ask, query, batch));
      },
      probe: () => within(ask({ text: "select 1" })),
      onAway: () => lookUps?.rejectQueued(),
      async close() {
        await Promise.all([db.destroy(), writer.destroy(), lookUpPool.end()]);
      },
    },
    listener,
  );
}

type Ask = <Row>(query: QueryConfig | QueryArrayConfig) => Promise<readonly Row[]>;

/** Runs one query for a batch, with one array for each column of names. */
async function askAll<Row>(
  ask: Ask,
  { name, names, sql: textOf }: LookUpQuery,
  batch: readonly (readonly string[])[],
): Promise<readonly (readonly Row[])[]> {
  const arrays = names.map((_, column) => `$${column + 1}::text[]`).join(", ");
  const text = textOf(`unnest(${arrays}) with ordinality as asked(${names.join(", ")}, ordinal)`);
  const values = names.map((_, column) => batch.map((row) => row[column]));
  const rows = Map.groupBy(
    await ask<Row & readonly [ordinal: number]>({ name, text, values, rowMode: "array" }),
    ([ordinal]) => ordinal,
  );
  return batch.map((_, index) => rows.get(index + 1) ?? []);
}

/** The part of a URL that messages may show, as pg reads it. */
export function targetOf(connectionString: string): ConnectionTarget {
  const { host, port, database = "", user = "" } = new Client({ connectionString });
  return { server: `${isIPv6(host) ? `[${host}]` : host}:${port}`, database, user };
}

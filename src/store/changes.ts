// Notices what other processes changed in a shared SQLite file. Knows SQLite's counter, and no table.

import { type Kysely, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** How often it looks, in milliseconds. */
const INTERVAL_MS = 500;

/**
 * Calls `onChange` after another connection has committed (PRAGMA data_version, which this connection's own commits do
 * not move), at most one interval late. Resolves once nothing can be missed. @returns what ends it
 */
export async function watchChanges(db: Kysely<Schema>, onChange: () => void): Promise<() => void> {
  let seen = await readVersion(db);
  const timer = setInterval(() => {
    readVersion(db)
      .then((version) => {
        if (version !== seen) onChange();
        seen = version;
      })
      // A database that cannot be asked may have changed.
      .catch(onChange);
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

async function readVersion(db: Kysely<Schema>): Promise<number | undefined> {
  const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(db);
  return rows[0]?.data_version;
}

// Notices what other processes changed in a shared SQLite file. Knows SQLite's counter, and no table.

import { type Kysely, sql } from "kysely";
import type { Schema } from "./schema.ts";

/** How often it looks, in milliseconds. */
const INTERVAL_MS = 500;

/**
 * Calls `onChange` after another connection has committed (PRAGMA data_version, which this connection's own commits do
 * not move), at most one interval late. @returns what ends it
 */
export function watchChanges(db: Kysely<Schema>, onChange: () => void): () => void {
  let seen: number | undefined;
  async function look(): Promise<void> {
    const { rows } = await sql<{ data_version: number }>`pragma data_version`.execute(db);
    const version = rows[0]?.data_version;
    if (seen !== undefined && version !== seen) onChange();
    seen = version;
  }
  const timer = setInterval(() => {
    // A database that cannot be asked may have changed.
    look().catch(onChange);
  }, INTERVAL_MS);
  timer.unref();
  return () => clearInterval(timer);
}

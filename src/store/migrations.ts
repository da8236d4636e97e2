// Migrations: the schema's history, each step once. A released step never changes, and only adds.

import { type Kysely, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import type { Database, Dialect } from "./database.ts";
import { createRegistry } from "./migration-0001.ts";
import type { Schema } from "./schema.ts";

type Steps = Record<string, Migration>;

/** How long a gateway that starts keeps trying, in milliseconds, while another one migrates. */
const LONGEST_WAIT_MS = 60_000;

/** The steps of a database's history, in their order. */
export const STEPS: (dialect: Dialect) => Steps = (dialect) => ({ "0001_registry_schema": createRegistry(dialect) });

/**
 * Brings a database up to date; several processes may do so at once. A database that a newer gateway has migrated further is left as
 * it is. @throws what the failing step threw; nothing of that step is left
 */
export async function migrate({ db, dialect, whenFree }: Database, steps = STEPS(dialect)): Promise<void> {
  const schema = dialect === "postgres" ? await schemaOf(db) : undefined;
  if (await isUpToDate(db, schema, steps)) return;
  const provider = { getMigrations: async () => steps };
  const migrator = new Migrator({ db, provider, ...(schema && { migrationTableSchema: schema }) });
  await whenFree(async () => {
    const { error } = await migrator.migrateToLatest();
    // Another gateway may have gone further meanwhile, which a Migrator takes for a mistake.
    if (error !== undefined && !(await isUpToDate(db, schema, steps))) throw error;
  }, LONGEST_WAIT_MS);
}

/** The PostgreSQL schema of the registry: others of the same database may have one, too. */
async function schemaOf(db: Kysely<Schema>): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string | null }>`select current_schema() as schema`.execute(db);
  return rows[0]?.schema ?? undefined;
}

/** Whether all of these steps are done. Steps that only a newer gateway knows do not matter. */
async function isUpToDate(db: Kysely<Schema>, schema: string | undefined, steps: Steps): Promise<boolean> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === DEFAULT_MIGRATION_TABLE && table.schema === schema)) return false;
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(db);
  const done = rows.map(({ name }) => name);
  return Object.keys(steps).every((name) => done.includes(name));
}

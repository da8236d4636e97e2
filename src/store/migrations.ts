// Migrations: the schema's history, each step once. A step that was released never changes, and only adds: gateways of before
// go on beside those of after.

import { type Kysely, type RawBuilder, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, type MigrationProvider, Migrator } from "kysely/migration";
import { COLUMN_TYPES } from "./column-types.ts";
import type { Database, Dialect } from "./database.ts";
import { registry } from "./migration-0001.ts";
import { fleets } from "./migration-0002.ts";
import { tokens } from "./migration-0003.ts";
import { imports } from "./migration-0004.ts";
import type { Schema } from "./schema.ts";

type Steps = Readonly<Record<string, Migration>>;

/**
 * Where later steps are noted, apart from the first: gateways that know of that one alone refuse to start where Kysely's own
 * table names another.
 */
const LATER = { migrationTableName: "schema_steps", migrationLockTableName: "schema_steps_lock" };

/** How long a step waits for others' transactions before it lets those pass that queue behind it, in milliseconds. */
const LOCK_MS = 1_000;
/** How long a gateway that starts goes on trying, in milliseconds: a backup reads every table, and no step changes one meanwhile. */
const LONGEST_WAIT_MS = 60_000;

/** The steps of a database's history, in their order. */
export const STEPS: (dialect: Dialect) => { readonly first: Steps; readonly later: Steps } = (dialect) => ({
  first: { "0001_registry": registry(COLUMN_TYPES[dialect]) },
  later: { "0002_fleets": fleets(dialect), "0003_tokens": tokens(dialect), "0004_imports": imports },
});

/**
 * Brings a database up to date; several processes may do so at once. One that a newer gateway has brought further is left as
 * it is. @throws what the failing step threw, of which nothing is left
 */
export async function migrate({ db, dialect, unhurried, whenFree }: Database, steps = STEPS(dialect)): Promise<void> {
  const { first, later } = steps;
  const schema = dialect === "postgres" ? await schemaOf(db) : undefined;
  if (await isUpToDate(db, schema, later)) return;
  const within = schema === undefined ? {} : { migrationTableSchema: schema };
  await unhurried((patient) =>
    whenFree(async () => {
      await run(new Migrator({ db: patient, provider: provide(dialect, first), ...within }));
      try {
        await run(new Migrator({ db: patient, provider: provide(dialect, later), ...LATER, ...within }));
      } catch (error) {
        // Another may have gone further meanwhile, which a Migrator takes for a mistake.
        if (!(await isUpToDate(patient, schema, later))) throw error;
      }
    }, LONGEST_WAIT_MS),
  );
}

async function run(migrator: Migrator): Promise<void> {
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
}

/**
 * Where in PostgreSQL the registry is, or is to be made: other schemas of the same database may have one, too. By the search
 * path, as every query finds it.
 */
async function schemaOf(db: Kysely<Schema>): Promise<string | undefined> {
  const { rows } = await sql<{ schema: string | null }>`
    select coalesce(
      ${schemaOfTable(LATER.migrationTableName)},
      ${schemaOfTable(DEFAULT_MIGRATION_TABLE)},
      current_schema()) as schema`.execute(db);
  return rows[0]?.schema ?? undefined;
}

function schemaOfTable(name: string): RawBuilder<unknown> {
  return sql`(select nspname::text from pg_namespace
    where oid = (select relnamespace from pg_class where oid = to_regclass(${name})))`;
}

/** Whether all of these steps are done; steps that only a newer gateway knows are none of this one's business. */
async function isUpToDate(db: Kysely<Schema>, schema: string | undefined, steps: Steps): Promise<boolean> {
  const { migrationTableName } = LATER;
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some((table) => table.name === migrationTableName && table.schema === schema)) return false;
  const { rows } = await sql<{ name: string }>`select name from ${sql.table(migrationTableName)}`.execute(db);
  const done = rows.map(({ name }) => name);
  return Object.keys(steps).every((name) => done.includes(name));
}

function provide(dialect: Dialect, steps: Steps): MigrationProvider {
  return {
    async getMigrations() {
      return Object.fromEntries(
        Object.entries(steps).map(([name, { up }]) => [
          name,
          {
            async up(db: Kysely<unknown>) {
              // Logins queue behind whoever waits to change a table.
              if (dialect === "postgres") await sql`set local lock_timeout = ${sql.lit(LOCK_MS)}`.execute(db);
              await up(db);
            },
          },
        ]),
      );
    },
  };
}

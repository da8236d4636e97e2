// Migrations of the schema. A released step never changes, and a step only adds.

import { type Kysely, sql } from "kysely";
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from "kysely/migration";
import type { Database, Dialect } from "./database.ts";
import type { Schema } from "./schema.ts";

type Steps = Record<string, Migration>;

/** How long a starting gateway retries while another one migrates, in milliseconds. */
const LONGEST_WAIT_MS = 60_000;

/**
 * Runs the missing steps; several processes may do so at once. A database of a newer gateway stays as it is. @throws the error of
 * the failing step, which is rolled back
 */
export async function migrate({ db, dialect, whenFree }: Database, steps = STEPS(dialect)): Promise<void> {
  const schema = dialect === "postgres" ? await schemaOf(db) : undefined;
  if (await isUpToDate(db, schema, steps)) return;
  const provider = { getMigrations: async () => steps };
  const migrator = new Migrator({ db, provider, ...(schema && { migrationTableSchema: schema }) });
  await whenFree(async () => {
    const { error } = await migrator.migrateToLatest();
    // A newer gateway may have run later steps meanwhile, which a Migrator reports as an error.
    if (error !== undefined && !(await isUpToDate(db, schema, steps))) throw error;
  }, LONGEST_WAIT_MS);
}

/** Whether a database has a registry at this gateway's schema. */
export async function isMigrated({ db, dialect }: Pick<Database, "db" | "dialect">): Promise<boolean> {
  return isUpToDate(db, dialect === "postgres" ? await schemaOf(db) : undefined, STEPS(dialect));
}

/** The clock of a database server, in Unix milliseconds; undefined for SQLite. */
export async function readServerClock({ db, dialect }: Pick<Database, "db" | "dialect">): Promise<number | undefined> {
  if (dialect === "sqlite") return undefined;
  const { rows } = await sql<{ ms: string }>`select extract(epoch from clock_timestamp()) * 1000 as ms`.execute(db);
  return Number(rows[0]?.ms);
}

/** The PostgreSQL schema of the registry. Other schemas of the database may have their own registry. */
export async function schemaOf(db: Kysely<Schema>): Promise<string | undefined> {
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

/** The steps of a database's history, in their order. */
export const STEPS: (dialect: Dialect) => Steps = (dialect) => ({ "0001_registry_schema": createRegistry(dialect) });

interface Words {
  /** The collation by bytes: PostgreSQL's default sorts by language, and is slower. */
  readonly name: string;
  readonly bytes: string;
  readonly numbered: string;
  /** Stores rows in the index of their names: otherwise SQLite searches twice. */
  readonly clustered: string;
}

const WORDS: Readonly<Record<Dialect, Words>> = {
  sqlite: {
    name: "text",
    bytes: "blob",
    numbered: "integer primary key autoincrement",
    clustered: "without rowid",
  },
  postgres: {
    name: 'text collate "C"',
    bytes: "bytea",
    numbered: "bigint generated always as identity primary key",
    clustered: "",
  },
};

const VERSION = "created_at bigint not null, updated_at bigint not null, revision bigint not null";

const statements = ({ name, bytes, numbered, clustered }: Words): readonly string[] => [
  `create table customers (
    customer_id ${name} primary key,
    display_name text not null,
    status text not null check (status in ('enabled', 'disabled')),
    login_limit text not null,
    keys_version text not null,
    tokens_not_before bigint not null,
    ${VERSION}
  ) ${clustered}`,
  `create table customer_keys (
    key_id ${name} primary key,
    customer_id ${name} not null references customers (customer_id),
    purpose text not null check (purpose in ('login', 'derivation')),
    sealed_secret ${bytes} not null,
    not_before bigint not null,
    expires_at bigint,
    created_at bigint not null,
    retired_at bigint
  )`,
  "create index customer_keys_by_customer on customer_keys (customer_id, purpose)",
  `create table devices (
    device_key ${name} primary key,
    customer_id ${name} not null references customers (customer_id),
    display_name text not null,
    status text not null check (status in ('enabled', 'disabled')),
    key_mode text not null check (key_mode in ('shared', 'derived')),
    key_mode_since bigint not null,
    accepts_shared bigint not null,
    shared_identity integer not null,
    replay_guard integer not null,
    labels text not null,
    public_key text not null,
    tokens_not_before bigint not null,
    ${VERSION}
  ) ${clustered}`,
  "create index devices_by_customer on devices (customer_id, device_key)",
  `create table device_activity (
    device_key ${name} primary key,
    last_login_at bigint,
    last_key_id ${name},
    last_failure_at bigint,
    last_failure_reason text
  ) ${clustered}`,
  `create table signing_keys (
    kid ${name} primary key,
    alg text not null,
    state text not null check (state in ('next', 'active', 'retired', 'revoked')),
    sealed_private_key ${bytes} not null,
    public_jwk text not null,
    created_at bigint not null,
    activated_at bigint,
    retired_at bigint
  )`,
  "create unique index one_active_signing_key on signing_keys (state) where state = 'active'",
  "create unique index one_next_signing_key on signing_keys (state) where state = 'next'",
  `create table revoked_tokens (
    jti ${name} primary key,
    revoked_at bigint not null,
    expires_at bigint not null
  ) ${clustered}`,
  "create index revoked_tokens_by_expiry on revoked_tokens (expires_at)",
  `create table operator_tokens (
    token_id ${name} primary key,
    token_hash ${name} not null unique,
    operator text not null,
    role text not null check (role in ('read', 'admin')),
    created_at bigint not null,
    expires_at bigint not null,
    revoked_at bigint
  )`,
  `create table audit_events (
    event_id ${numbered},
    at bigint not null,
    token_id text not null,
    operator text not null,
    address text not null,
    request_id text not null,
    action text not null,
    resource text not null,
    customer_id text not null,
    details text not null
  )`,
  "create index audit_events_by_time on audit_events (at)",
  // The decoy: see schema.ts.
  "insert into customers values ('', '', 'disabled', '', '', 0, 0, 0, 1)",
  "insert into devices values ('', '', '', 'disabled', 'shared', 0, 0, 0, 0, '{}', '', 0, 0, 0, 1)",
];

/** Every table of the registry, and the decoy. */
const createRegistry = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    for (const statement of statements(WORDS[dialect])) await sql.raw(statement).execute(db);
  },
});

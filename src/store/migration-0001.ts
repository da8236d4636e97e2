// The schema's first step. Once released it never changes.

import {
  type ColumnDataType,
  type CreateTableBuilder,
  type Expression,
  type Kysely,
  type RawBuilder,
  sql,
} from "kysely";
import type { Migration } from "kysely/migration";
import type { Dialect } from "./database.ts";
import type { Schema } from "./schema.ts";

interface ColumnTypes {
  readonly bytes: ColumnDataType;
  /** Sorts by its bytes everywhere: PostgreSQL would sort it as a language does, and slower. */
  readonly name: ColumnDataType | Expression<unknown>;
}

const COLUMN_TYPES: Readonly<Record<Dialect, ColumnTypes>> = {
  sqlite: { bytes: "blob", name: "text" },
  postgres: { bytes: "bytea", name: sql`text collate "C"` },
};

/** Every table of the registry, and the decoy. */
export const createRegistry = (dialect: Dialect): Migration => ({
  async up(db: Kysely<Schema>) {
    const { bytes, name } = COLUMN_TYPES[dialect];
    const { schema } = db;

    await versioned(schema.createTable("customers"))
      .addColumn("customer_id", name, (column) => column.primaryKey())
      .addColumn("display_name", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull().check(oneOf("status", ["enabled", "disabled"])))
      .addColumn("login_limit", "text", (column) => column.notNull())
      .addColumn("keys_version", "text", (column) => column.notNull())
      .addColumn("tokens_not_before", "bigint", (column) => column.notNull())
      .execute();

    await schema
      .createTable("customer_keys")
      .addColumn("key_id", name, (column) => column.primaryKey())
      .addColumn("customer_id", name, (column) => column.notNull().references("customers.customer_id"))
      .addColumn("purpose", "text", (column) => column.notNull().check(oneOf("purpose", ["login", "derivation"])))
      .addColumn("sealed_secret", bytes, (column) => column.notNull())
      .addColumn("not_before", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("retired_at", "bigint")
      .addColumn("lost_at", "bigint")
      .execute();
    await schema
      .createIndex("customer_keys_by_customer")
      .on("customer_keys")
      .columns(["customer_id", "purpose"])
      .execute();

    await versioned(schema.createTable("devices"))
      .addColumn("device_key", name, (column) => column.primaryKey())
      .addColumn("customer_id", name, (column) => column.notNull().references("customers.customer_id"))
      .addColumn("display_name", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull().check(oneOf("status", ["enabled", "disabled"])))
      .addColumn("key_mode", "text", (column) => column.notNull().check(oneOf("key_mode", ["shared", "derived"])))
      .addColumn("key_mode_since", "bigint", (column) => column.notNull())
      .addColumn("accepts_shared", "bigint", (column) => column.notNull())
      .addColumn("shared_identity", "integer", (column) => column.notNull())
      .addColumn("replay_guard", "integer", (column) => column.notNull())
      .addColumn("labels", "text", (column) => column.notNull())
      .addColumn("tokens_not_before", "bigint", (column) => column.notNull())
      .execute();
    await schema.createIndex("devices_by_customer").on("devices").columns(["customer_id", "device_key"]).execute();

    const activity = schema
      .createTable("device_activity")
      .addColumn("device_key", name, (column) => column.primaryKey())
      .addColumn("last_login_at", "bigint")
      .addColumn("last_key_id", name)
      .addColumn("key_since", "bigint")
      .addColumn("last_failure_at", "bigint")
      .addColumn("last_failure_reason", "text");
    // SQLite would keep the rows apart from their index, and search twice.
    await (dialect === "sqlite" ? activity.modifyEnd(sql`without rowid`) : activity).execute();

    await schema
      .createTable("signing_keys")
      .addColumn("kid", name, (column) => column.primaryKey())
      .addColumn("alg", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) =>
        column.notNull().check(oneOf("state", ["next", "active", "retired", "revoked"])),
      )
      .addColumn("sealed_private_key", bytes, (column) => column.notNull())
      .addColumn("public_jwk", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .addColumn("imported_at", "bigint")
      .addColumn("activated_at", "bigint")
      .addColumn("retired_at", "bigint")
      .addColumn("published_until", "bigint")
      .addColumn("rotate_at", "bigint")
      .addColumn("token_life_ms", "bigint", (column) => column.notNull())
      .execute();
    for (const state of ["active", "next"]) {
      await schema
        .createIndex(`one_${state}_signing_key`)
        .on("signing_keys")
        .column("state")
        .unique()
        .where(sql.ref("state"), "=", sql.lit(state))
        .execute();
    }

    await schema
      .createTable("revoked_tokens")
      .addColumn("jti", name, (column) => column.primaryKey())
      .addColumn("revoked_at", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint", (column) => column.notNull())
      .execute();
    await schema.createIndex("revoked_tokens_by_expiry").on("revoked_tokens").column("expires_at").execute();

    const events = schema.createTable("audit_events");
    await (dialect === "postgres"
      ? events.addColumn("event_id", "bigint", (column) => column.primaryKey().generatedAlwaysAsIdentity())
      : events.addColumn("event_id", "integer", (column) => column.primaryKey().autoIncrement())
    )
      .addColumn("at", "bigint", (column) => column.notNull())
      .addColumn("token_id", "text", (column) => column.notNull())
      .addColumn("operator", "text", (column) => column.notNull())
      .addColumn("address", "text", (column) => column.notNull())
      .addColumn("request_id", "text", (column) => column.notNull())
      .addColumn("action", "text", (column) => column.notNull())
      .addColumn("resource", "text", (column) => column.notNull())
      .addColumn("customer_id", "text", (column) => column.notNull())
      .addColumn("details", "text", (column) => column.notNull())
      .execute();
    await schema.createIndex("audit_events_by_time").on("audit_events").column("at").execute();

    await insertDecoy(db);
  },
});

function versioned<Table extends string>(table: CreateTableBuilder<Table>): CreateTableBuilder<Table, string> {
  return table
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .addColumn("revision", "bigint", (column) => column.notNull());
}

function oneOf(column: string, values: readonly string[]): RawBuilder<boolean> {
  return sql`${sql.ref(column)} in (${sql.join(values.map((value) => sql.lit(value)))})`;
}

/** The rows that a login of an unknown device reads: see decoy.ts. */
async function insertDecoy(db: Kysely<Schema>): Promise<void> {
  const common = { customer_id: "", display_name: "", status: "disabled", tokens_not_before: 0 };
  const version = { created_at: 0, updated_at: 0, revision: 1 };
  await db
    .insertInto("customers")
    .values({ ...common, ...version, login_limit: "", keys_version: "" })
    .execute();
  await db
    .insertInto("devices")
    .values({
      ...common,
      ...version,
      device_key: "",
      key_mode: "shared",
      key_mode_since: 0,
      accepts_shared: 0,
      shared_identity: 0,
      replay_guard: 0,
      labels: "{}",
    })
    .execute();
}

// The schema's second step, for fleets of millions. Once released it never changes.

import { type CreateTableBuilder, type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { COLUMN_TYPES } from "./column-types.ts";
import type { Dialect } from "./database.ts";
import type { Schema } from "./schema.ts";

/** What fleets need: labels, limits, keys that retire, activity, audit, and what gateways tell each other. */
export const fleets = (dialect: Dialect): Migration => ({
  async up(db: Kysely<Schema>) {
    const { name } = COLUMN_TYPES[dialect];
    await db.schema
      .alterTable("customers")
      .addColumn("login_limit", "text", (column) => column.notNull().defaultTo(""))
      .execute();
    for (const column of ["retired_at", "lost_at"] as const) {
      await db.schema.alterTable("customer_keys").addColumn(column, "bigint").execute();
    }
    await db.schema
      .alterTable("devices")
      .addColumn("labels", "text", (column) => column.notNull().defaultTo("{}"))
      .execute();
    for (const column of ["accepts_shared", "key_mode_since", "tokens_not_before"] as const) {
      await db.schema
        .alterTable("devices")
        .addColumn(column, "bigint", (definition) => definition.notNull().defaultTo(0))
        .execute();
    }
    for (const table of ["customers", "devices"] as const) {
      await db.schema
        .alterTable(table)
        .addColumn("updated_at", "bigint", (column) => column.notNull().defaultTo(0))
        .execute();
      await db.schema
        .alterTable(table)
        .addColumn("revision", "bigint", (column) => column.notNull().defaultTo(1))
        .execute();
    }
    await db.schema.createIndex("devices_by_customer").on("devices").columns(["customer_id", "device_key"]).execute();

    const activity = db.schema
      .createTable("device_activity")
      .addColumn("device_key", name, (column) => column.primaryKey())
      .addColumn("last_login_at", "bigint")
      .addColumn("last_key_id", name)
      .addColumn("key_since", "bigint")
      .addColumn("last_failure_at", "bigint")
      .addColumn("last_failure_reason", "text");
    // SQLite would keep the rows apart from the index that they are found by, and look twice.
    await (dialect === "sqlite" ? activity.modifyEnd(sql`without rowid`) : activity).execute();

    await numbered(dialect, db.schema.createTable("audit_events"), "event_id")
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
    await db.schema.createIndex("audit_events_by_time").on("audit_events").column("at").execute();

    const changes = numbered(dialect, db.schema.createTable("registry_changes"), "position")
      .addColumn("subject", "text", (column) => column.notNull())
      .addColumn("changed_at", "bigint", (column) => column.notNull());
    if (dialect === "postgres") {
      // Positions are given out before the commit: whoever reads on by them alone would miss a transaction that took longer.
      await changes
        .addColumn("transaction_id", sql`xid8`, (column) => column.notNull().defaultTo(sql`pg_current_xact_id()`))
        .execute();
      await db.schema
        .createIndex("registry_changes_by_transaction")
        .on("registry_changes")
        .columns(["transaction_id", "position"])
        .execute();
    } else {
      await changes.execute();
    }
    await db.schema.createIndex("registry_changes_by_time").on("registry_changes").column("changed_at").execute();

    // The decoy: what a login of an unknown device is given to look at, so that it costs as much as a known one. No name is
    // empty, so nobody can ask for it, and lists begin after it.
    const decoy = { display_name: "", status: "disabled", created_at: 0 };
    await db
      .insertInto("customers")
      .values({ customer_id: "", ...decoy })
      .execute();
    await db
      .insertInto("devices")
      .values({ device_key: "", customer_id: "", ...decoy, key_mode: "shared", shared_identity: 0, replay_guard: 0 })
      .execute();
    await db
      .insertInto("customer_keys")
      .values({
        key_id: "",
        customer_id: "",
        purpose: "login",
        // As long as a real one, of which a login reads it in place.
        sealed_secret: Buffer.alloc(101),
        not_before: 0,
        expires_at: null,
        created_at: 0,
        retired_at: null,
        lost_at: null,
      })
      .execute();
  },
});

/** Adds the primary key that the database numbers. */
function numbered<Table extends string>(
  dialect: Dialect,
  table: CreateTableBuilder<Table>,
  column: string,
): CreateTableBuilder<Table, string> {
  return dialect === "postgres"
    ? table.addColumn(column, "bigint", (definition) => definition.primaryKey().generatedAlwaysAsIdentity())
    : table.addColumn(column, "integer", (definition) => definition.primaryKey().autoIncrement());
}

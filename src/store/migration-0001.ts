// The schema's first step, as it was released. It never changes.

import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import type { ColumnTypes } from "./column-types.ts";

/** What a gateway needed at first: customers, their keys, devices, and what signs tokens. */
export const registry = ({ bytes, name }: ColumnTypes): Migration => ({
  async up(db: Kysely<unknown>) {
    await db.schema
      .createTable("customers")
      .addColumn("customer_id", name, (column) => column.primaryKey())
      .addColumn("display_name", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull().check(sql`status in ('enabled', 'disabled')`))
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();

    await db.schema
      .createTable("customer_keys")
      .addColumn("key_id", name, (column) => column.primaryKey())
      .addColumn("customer_id", name, (column) => column.notNull().references("customers.customer_id"))
      .addColumn("purpose", "text", (column) => column.notNull().check(sql`purpose in ('login', 'derivation')`))
      .addColumn("sealed_secret", bytes, (column) => column.notNull())
      .addColumn("not_before", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint")
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("customer_keys_by_customer")
      .on("customer_keys")
      .columns(["customer_id", "purpose"])
      .execute();

    await db.schema
      .createTable("devices")
      .addColumn("device_key", name, (column) => column.primaryKey())
      .addColumn("customer_id", name, (column) => column.notNull().references("customers.customer_id"))
      .addColumn("display_name", "text", (column) => column.notNull())
      .addColumn("status", "text", (column) => column.notNull().check(sql`status in ('enabled', 'disabled')`))
      .addColumn("key_mode", "text", (column) => column.notNull().check(sql`key_mode in ('shared', 'derived')`))
      .addColumn("shared_identity", "integer", (column) => column.notNull())
      .addColumn("replay_guard", "integer", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();

    await db.schema
      .createTable("signing_keys")
      .addColumn("kid", name, (column) => column.primaryKey())
      .addColumn("alg", "text", (column) => column.notNull())
      .addColumn("state", "text", (column) =>
        column.notNull().check(sql`state in ('next', 'active', 'retired', 'revoked')`),
      )
      .addColumn("sealed_private_key", bytes, (column) => column.notNull())
      .addColumn("public_jwk", "text", (column) => column.notNull())
      .addColumn("created_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema
      .createIndex("one_active_signing_key")
      .on("signing_keys")
      .column("state")
      .unique()
      .where(sql.ref("state"), "=", sql.lit("active"))
      .execute();
  },
});

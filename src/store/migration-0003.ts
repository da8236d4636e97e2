// The schema's third step, for keys that rotate and tokens that are taken back. Once released it never changes.

import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";
import { COLUMN_TYPES } from "./column-types.ts";
import type { Dialect } from "./database.ts";

/** What a ring of signing keys needs, and what takes tokens back. */
export const tokens = (dialect: Dialect): Migration => ({
  async up(db: Kysely<unknown>) {
    const { name } = COLUMN_TYPES[dialect];
    // Gateways of before write none of these.
    for (const column of ["activated_at", "retired_at", "published_until", "rotate_at"] as const) {
      await db.schema.alterTable("signing_keys").addColumn(column, "bigint").execute();
    }
    await db.schema
      .alterTable("signing_keys")
      .addColumn("token_life_ms", "bigint", (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema
      .createIndex("one_next_signing_key")
      .on("signing_keys")
      .column("state")
      .unique()
      .where(sql.ref("state"), "=", sql.lit("next"))
      .execute();

    await db.schema
      .alterTable("customers")
      .addColumn("tokens_not_before", "bigint", (column) => column.notNull().defaultTo(0))
      .execute();
    await db.schema
      .createTable("revoked_tokens")
      .addColumn("jti", name, (column) => column.primaryKey())
      .addColumn("revoked_at", "bigint", (column) => column.notNull())
      .addColumn("expires_at", "bigint", (column) => column.notNull())
      .execute();
    await db.schema.createIndex("revoked_tokens_by_expiry").on("revoked_tokens").column("expires_at").execute();
  },
});

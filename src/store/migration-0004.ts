// The schema's fourth step, for signing keys that came from elsewhere. Once released it never changes.

import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** What tells a signing key that was imported from one that was made here. */
export const imports: Migration = {
  async up(db: Kysely<unknown>) {
    // Gateways of before write none.
    await db.schema.alterTable("signing_keys").addColumn("imported_at", "bigint").execute();
  },
};

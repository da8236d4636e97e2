// The queries of single revoked tokens.

import type { RevokedTokenStore } from "../core/registry/revocation.ts";
import type { Database } from "./database.ts";
import { insertAuditEvents } from "./registry/audit.ts";

/** The revoked tokens of one database. */
export function createRevokedTokenStore(database: Database): RevokedTokenStore {
  return {
    insert({ jti, expiresAt }, entry) {
      return database.write(async (transaction) => {
        const written = await transaction
          .insertInto("revoked_tokens")
          .values({ jti, revoked_at: entry.at, expires_at: expiresAt })
          .onConflict((conflict) =>
            conflict
              .column("jti")
              .doUpdateSet({ revoked_at: entry.at, expires_at: expiresAt })
              .where("revoked_tokens.expires_at", "<", expiresAt),
          )
          .returning("jti")
          .executeTakeFirst();
        if (written !== undefined) {
          await insertAuditEvents(transaction, entry);
          return { jti, expiresAt };
        }
        const row = await transaction
          .selectFrom("revoked_tokens")
          .where("jti", "=", jti)
          .select("expires_at")
          .executeTakeFirst();
        return { jti, expiresAt: row?.expires_at ?? expiresAt };
      });
    },

    prune: (now, most) =>
      database.write(async (transaction) => {
        const { numDeletedRows } = await transaction
          .deleteFrom("revoked_tokens")
          .where("jti", "in", (select) =>
            select.selectFrom("revoked_tokens").where("expires_at", "<=", now).select("jti").limit(most),
          )
          .executeTakeFirstOrThrow();
        return Number(numDeletedRows);
      }),
  };
}

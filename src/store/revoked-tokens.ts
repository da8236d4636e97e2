// The queries of tokens that were taken back one by one. Knows the schema.

import type { RevokedToken, RevokedTokenStore } from "../core/registry/record-ports.ts";
import { createBatches } from "./batches.ts";
import type { Database } from "./database.ts";
import { recordChange } from "./recorded-changes.ts";

/** While a gateway is not sure of what it has heard, each check of a token asks: a database that is slow is not asked more often for it. */
const LOOK_UPS = { most: 200, atOnce: 1 };

/** Names of a look-up: a statement is prepared for each of these sizes, and not for every one that may come. */
const SIZES = [1, 16, 64, LOOK_UPS.most];

function filledUp(jtis: readonly string[]): readonly string[] {
  const size = SIZES.find((candidate) => candidate >= jtis.length) ?? jtis.length;
  return Array.from({ length: size }, (_, place) => jtis[place] ?? "");
}

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
          await recordChange(transaction, database.dialect, entry, [`token ${jti}`]);
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

    list: (now) =>
      database.read(async (db) => {
        const rows = await db
          .selectFrom("revoked_tokens")
          .where("expires_at", ">", now)
          .select(["jti", "expires_at"])
          .execute();
        return rows.map(({ jti, expires_at: expiresAt }): RevokedToken => ({ jti, expiresAt }));
      }),

    has: createBatches<string, boolean>(async (jtis) => {
      const rows = await database.read((db) =>
        db.selectFrom("revoked_tokens").where("jti", "in", filledUp(jtis)).select("jti").execute(),
      );
      const there = new Set(rows.map(({ jti }) => jti));
      return jtis.map((jti) => there.has(jti));
    }, LOOK_UPS),

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

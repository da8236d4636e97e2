// The queries of operators' admin tokens.

import type { Selectable } from "kysely";
import type { OperatorStore, StoredOperatorToken } from "../../core/registry/operators.ts";
import type { Database } from "../database.ts";
import type { Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";

/** The admin tokens of one database. */
export function createOperatorStore(database: Database): OperatorStore {
  const find = (column: "token_id" | "token_hash", value: string): Promise<StoredOperatorToken | undefined> =>
    database.read(async (db) => {
      const row = await db.selectFrom("operator_tokens").where(column, "=", value).selectAll().executeTakeFirst();
      return row && tokenOfRow(row);
    });

  return {
    insert: ({ tokenId, name, role, createdAt, expiresAt }, hash, entry) =>
      database.write(async (transaction) => {
        await transaction
          .insertInto("operator_tokens")
          .values({
            token_id: tokenId,
            token_hash: hash,
            operator: name,
            role,
            created_at: createdAt,
            expires_at: expiresAt,
            revoked_at: null,
          })
          .execute();
        await insertAuditEvents(transaction, entry);
      }),

    find: (tokenId) => find("token_id", tokenId),
    findByHash: (hash) => find("token_hash", hash),

    list: () =>
      database.read(async (db) => {
        const newest = db.selectFrom("operator_tokens").selectAll().orderBy("created_at", "desc").orderBy("token_id");
        return (await newest.execute()).map(tokenOfRow);
      }),

    revoke: (tokenId, entry) =>
      database.write(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("operator_tokens")
          .set({ revoked_at: entry.at })
          .where("token_id", "=", tokenId)
          .where("revoked_at", "is", null)
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n) await insertAuditEvents(transaction, entry);
      }),
  };
}

function tokenOfRow(row: Selectable<Schema["operator_tokens"]>): StoredOperatorToken {
  return {
    tokenId: row.token_id,
    name: row.operator,
    role: row.role === "admin" ? "admin" : "read",
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at ?? undefined,
  };
}

// The queries of codes that sign in to the dashboard once.

import type { SignInCodeStore } from "../../core/registry/sessions.ts";
import type { Database } from "../database.ts";

/** The codes of one database. */
export function createSignInCodeStore(database: Database): SignInCodeStore {
  return {
    insert: (hash, tokenId, expiresAt, now) =>
      database.write(async (transaction) => {
        await transaction.deleteFrom("sign_in_codes").where("expires_at", "<=", now).execute();
        const row = { code_hash: hash, token_id: tokenId, expires_at: expiresAt };
        await transaction.insertInto("sign_in_codes").values(row).execute();
      }),

    take: (hash) =>
      database.write(async (transaction) => {
        const row = await transaction
          .deleteFrom("sign_in_codes")
          .where("code_hash", "=", hash)
          .returning(["token_id", "expires_at"])
          .executeTakeFirst();
        return row && { tokenId: row.token_id, expiresAt: row.expires_at };
      }),
  };
}

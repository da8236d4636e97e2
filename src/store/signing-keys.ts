// The signing keys' queries. Knows the schema and sealing.

import type { PublicJwk, SigningKey, SigningKeyStore } from "../core/ports.ts";
import { GATEWAY } from "../core/registry/ports.ts";
import { insertAuditEvent } from "./audit.ts";
import type { Database } from "./database.ts";
import { signingKeyContext } from "./seal-contexts.ts";
import type { Sealer } from "./sealing.ts";

/** The signing keys of one database. */
export function createSigningKeyStore(database: Database, sealer: Sealer): SigningKeyStore {
  const { db } = database;

  async function active(): Promise<SigningKey | undefined> {
    const row = await db.selectFrom("signing_keys").where("state", "=", "active").selectAll().executeTakeFirst();
    if (row === undefined) return undefined;
    return {
      kid: row.kid,
      alg: row.alg,
      privateKey: sealer.open(row.sealed_private_key, signingKeyContext(row.kid, row.alg)),
      publicJwk: readPublicJwk(row.public_jwk),
      createdAt: row.created_at,
    };
  }

  return {
    active,
    async activateFirst({ kid, alg, privateKey, publicJwk, createdAt }) {
      await database.write(async (transaction) => {
        const inserted = await transaction
          .insertInto("signing_keys")
          .values({
            kid,
            alg,
            state: "active",
            sealed_private_key: sealer.seal(privateKey, signingKeyContext(kid, alg)),
            public_jwk: JSON.stringify(publicJwk),
            created_at: createdAt,
          })
          .onConflict((conflict) => conflict.doNothing())
          .returning("kid")
          .executeTakeFirst();
        if (inserted === undefined) return;
        await insertAuditEvent(transaction, {
          actor: GATEWAY,
          at: createdAt,
          action: "CreateSigningKey",
          resource: `signing-keys/${kid}`,
          customerId: "",
          details: { alg },
        });
      });
      const winner = await active();
      if (winner === undefined) throw new Error("an active signing key was inserted and is not there");
      return winner;
    },

    listAll: () =>
      database.read(async (reader) => {
        const rows = await reader
          .selectFrom("signing_keys")
          .select(["kid", "alg", "state", "created_at"])
          .orderBy("created_at", "desc")
          .orderBy("kid")
          .execute();
        return rows.map(({ created_at: createdAt, ...key }) => ({ ...key, createdAt }));
      }),
  };
}

function readPublicJwk(text: string): PublicJwk {
  const jwk: PublicJwk = JSON.parse(text);
  return jwk;
}

// Secrets whose master key is lost: which are, and letting go of them. Knows the schema and sealing.

import { sql, type Transaction } from "kysely";
import type { LostSecrets, SecretStore } from "../core/registry/record-ports.ts";
import { insertAuditEvent } from "./audit.ts";
import { changeKeysVersion } from "./customers.ts";
import { type Database, forUpdate } from "./database.ts";
import { DECOY, isReal } from "./decoy.ts";
import type { Schema } from "./schema.ts";
import { customerKeyContext, signingKeyContext } from "./seal-contexts.ts";
import { opens, SEALED_KEY_ID, type Sealer } from "./sealing.ts";

const PAGE = 500;

/** The id of the master key that a customer key is sealed with. */
const SEALED_WITH = sql<Uint8Array>`substr(sealed_secret, ${sql.lit(SEALED_KEY_ID.from)}, ${sql.lit(SEALED_KEY_ID.bytes)})`;

/** `findLost` of a SecretStore. */
export function createFindLost({ read }: Database, sealer: Sealer): SecretStore["findLost"] {
  return async (now) => {
    const signingKeys = await read((db) =>
      db
        .selectFrom("signing_keys")
        .select(["kid", "alg", "sealed_private_key"])
        // One that is to sign next has signed nothing yet: where it does not open, the ring makes another.
        .where("state", "=", "active")
        .execute(),
    );
    const { customerKeys } = await read((db) =>
      db
        .selectFrom("customer_keys")
        .select((of) => of.fn.countAll<number | string>().as("customerKeys"))
        .where(isReal("key_id"))
        .where("retired_at", "is", null)
        .where("lost_at", "is", null)
        .where((of) => of.or([of("expires_at", "is", null), of("expires_at", ">", now)]))
        // By the id of the master key alone: a start cannot wait until every secret was opened.
        .where(SEALED_WITH, "not in", [...sealer.keyIds])
        .executeTakeFirstOrThrow(),
    );
    const lost = signingKeys.filter(
      ({ kid, alg, sealed_private_key }) => !opens(sealer, sealed_private_key, signingKeyContext(kid, alg)),
    );
    return { signingKeys: lost.length, customerKeys: Number(customerKeys) };
  };
}

/** `forgetLost` of a SecretStore. */
export function createForgetLost(database: Database, sealer: Sealer): SecretStore["forgetLost"] {
  return (now, describe) =>
    database.write(async (transaction) => {
      const signingKeys = await forgetSigningKeys(transaction, sealer, now);
      const { customerKeys, customers } = await forgetCustomerKeys(database, transaction, sealer, now);
      const lost: LostSecrets = { customerKeys, signingKeys };
      if (customerKeys > 0 || signingKeys > 0) await insertAuditEvent(transaction, describe(lost));
      for (const customerId of customers) await changeKeysVersion(transaction, customerId);
      return lost;
    });
}

async function forgetSigningKeys(transaction: Transaction<Schema>, sealer: Sealer, now: number): Promise<number> {
  const rows = await transaction
    .selectFrom("signing_keys")
    .select(["kid", "alg", "state", "sealed_private_key"])
    .where("state", "in", ["active", "next"])
    .execute();
  let forgotten = 0;
  for (const { kid, alg, state, sealed_private_key } of rows) {
    if (opens(sealer, sealed_private_key, signingKeyContext(kid, alg))) continue;
    forgotten++;
    // What it has signed may still be verified, and for how long the ring knows; what has signed nothing is of no use.
    await (state === "active"
      ? transaction
          .updateTable("signing_keys")
          .set({ state: "retired", retired_at: now })
          .where("kid", "=", kid)
          .execute()
      : transaction.deleteFrom("signing_keys").where("kid", "=", kid).execute());
  }
  return forgotten;
}

/** Apart from retirement: should the master key turn up, they are as good as before. */
async function forgetCustomerKeys(
  database: Database,
  transaction: Transaction<Schema>,
  sealer: Sealer,
  now: number,
): Promise<{ customerKeys: number; customers: ReadonlySet<string> }> {
  const customers = new Set<string>();
  let customerKeys = 0;
  for (let after = DECOY; ; ) {
    const page = transaction
      .selectFrom("customer_keys")
      .select(["key_id", "customer_id", "purpose", "sealed_secret"])
      .where("key_id", ">", after)
      .where("retired_at", "is", null)
      .where("lost_at", "is", null)
      .orderBy("key_id")
      .limit(PAGE);
    const rows = await forUpdate(database, page).execute();
    const lost = rows.filter(
      (row) => !opens(sealer, row.sealed_secret, customerKeyContext(row.customer_id, row.key_id, row.purpose)),
    );
    if (lost.length > 0) {
      const ids = lost.map(({ key_id }) => key_id);
      await transaction.updateTable("customer_keys").set({ lost_at: now }).where("key_id", "in", ids).execute();
    }
    for (const { customer_id } of lost) customers.add(customer_id);
    customerKeys += lost.length;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return { customerKeys, customers };
    after = last.key_id;
  }
}

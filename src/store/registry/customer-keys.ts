// The customer keys' queries.

import type { Kysely, Selectable } from "kysely";
import { alreadyExists, doesNotExist } from "../../core/registry/names.ts";
import type { CustomerKeyStore, OpenedCustomerKey, StoredCustomerKey } from "../../core/registry/ports.ts";
import { type Database, forUpdate } from "../database.ts";
import { isReal, type Schema } from "../schema.ts";
import { customerKeyContext, type Sealer } from "../sealing.ts";
import { insertAuditEvents } from "./audit.ts";
import { changeKeysVersion, holdCustomer } from "./customers.ts";
import { countKeyUsage } from "./key-usage.ts";

const COLUMNS = [
  "key_id",
  "customer_id",
  "purpose",
  "not_before",
  "expires_at",
  "created_at",
  "retired_at",
] as const satisfies readonly (keyof Schema["customer_keys"])[];

type Row = Pick<Selectable<Schema["customer_keys"]>, (typeof COLUMNS)[number]>;

/** The customer keys of one database. `onFault` is called for each secret that cannot be unsealed. */
export function createCustomerKeyStore(
  database: Database,
  sealer: Sealer,
  onFault: (error: unknown) => void,
): CustomerKeyStore {
  return {
    async insert({ secret, ...key }, check, entry) {
      const { keyId, customerId, purpose } = key;
      const sealed = sealer.seal(secret, customerKeyContext(customerId, keyId, purpose));
      await database.write(async (transaction) => {
        // Serialises the changes of one customer's keys, so that each sees all others.
        await holdCustomer(transaction, database, customerId);
        const others = await openCustomerKeys(transaction, sealer, customerId, onFault);
        try {
          check(others);
        } finally {
          for (const other of others) other.secret?.fill(0);
        }
        await transaction
          .insertInto("customer_keys")
          .values({
            key_id: keyId,
            customer_id: customerId,
            purpose,
            sealed_secret: sealed,
            not_before: key.notBefore,
            expires_at: key.expiresAt ?? null,
            created_at: key.createdAt,
            retired_at: key.retiredAt ?? null,
          })
          .onConflict((conflict) => conflict.column("key_id").doNothing())
          .returning("key_id")
          .executeTakeFirstOrThrow(() => alreadyExists("customer key"));
        await changeKeysVersion(transaction, customerId);
        await insertAuditEvents(transaction, entry);
      });
    },

    async list(customerId) {
      return (await database.read((db) => selectKeys(db, customerId).select(COLUMNS).execute())).map(keyOfRow);
    },

    secretsOf: (customerId) => database.read((db) => openCustomerKeys(db, sealer, customerId, onFault)),

    retire(keyId, decide) {
      return database.write(async (transaction) => {
        const found = transaction.selectFrom("customer_keys").where("key_id", "=", keyId).select(COLUMNS);
        const row = await forUpdate(database, found).executeTakeFirstOrThrow(() => doesNotExist("customer key"));
        const entry = decide(keyOfRow(row));
        if (entry === undefined) return keyOfRow(row);
        const retired = { retired_at: entry.at };
        await transaction.updateTable("customer_keys").set(retired).where("key_id", "=", keyId).execute();
        await changeKeysVersion(transaction, row.customer_id);
        await insertAuditEvents(transaction, entry);
        return keyOfRow({ ...row, ...retired });
      });
    },

    usageOf: (customerId) => countKeyUsage(database, customerId),
  };
}

/**
 * Reads every key of a customer. `onFault` is called for live keys that cannot be unsealed. The caller overwrites the secrets when
 * done.
 */
async function openCustomerKeys(
  db: Kysely<Schema>,
  sealer: Sealer,
  customerId: string,
  onFault: (error: unknown) => void,
): Promise<readonly OpenedCustomerKey[]> {
  const rows = await selectKeys(db, customerId)
    .select([...COLUMNS, "sealed_secret"])
    .execute();
  return rows.map((row) => {
    const key = keyOfRow(row);
    try {
      const context = customerKeyContext(row.customer_id, row.key_id, row.purpose);
      return { ...key, secret: sealer.open(row.sealed_secret, context) };
    } catch (error) {
      // A retired key is no longer accepted, so it may be lost.
      if (key.retiredAt === undefined) onFault(error);
      return { ...key, secret: undefined };
    }
  });
}

/** The newest first. */
function selectKeys(db: Kysely<Schema>, customerId: string) {
  return db
    .selectFrom("customer_keys")
    .where("customer_id", "=", customerId)
    .where(isReal("customer_id"))
    .orderBy("created_at", "desc")
    .orderBy("key_id", "desc");
}

function keyOfRow(row: Row): StoredCustomerKey {
  return {
    keyId: row.key_id,
    customerId: row.customer_id,
    purpose: row.purpose === "derivation" ? "derivation" : "login",
    notBefore: row.not_before,
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
    retiredAt: row.retired_at ?? undefined,
  };
}

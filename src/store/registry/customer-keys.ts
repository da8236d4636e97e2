// The customer keys' queries. Knows the schema and sealing.

import type { Kysely, Selectable } from "kysely";
import type {
  CustomerKeyStore,
  CustomerSecret,
  CustomerSecrets,
  StoredCustomerKey,
} from "../../core/registry/ports.ts";
import { noCustomerKey, strangePageToken, taken } from "../../core/registry/refusals.ts";
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

/** The customer keys of one database. `onFault` is notified of each secret that does not open. */
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
        // Keys of one customer are issued one after the other: each sees all others.
        await holdCustomer(transaction, database, customerId);
        const others = await openCustomerKeys(transaction, sealer, customerId, onFault);
        try {
          check(others);
        } finally {
          for (const other of others.opened) other.secret.fill(0);
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
          .executeTakeFirstOrThrow(() => taken("key_id"));
        await changeKeysVersion(transaction, customerId);
        await insertAuditEvents(transaction, entry);
      });
    },

    async find(keyId) {
      const row = await database.read((db) => selectKey(db, keyId).executeTakeFirst());
      return row && keyOfRow(row);
    },

    async list(customerId, { after, size }) {
      // A customer has few keys.
      const rows = await database.read((db) => selectKeys(db, customerId).select(COLUMNS).execute());
      const start = after === "" ? 0 : rows.findIndex(({ key_id }) => key_id === after) + 1;
      if (after !== "" && start === 0) throw strangePageToken();
      const page = rows.slice(start, start + size);
      return { items: page.map(keyOfRow), next: start + size < rows.length ? page.at(-1)?.key_id : undefined };
    },

    secretsOf: (customerId) => database.read((db) => openCustomerKeys(db, sealer, customerId, onFault)),

    retire(keyId, decide) {
      return database.write(async (transaction) => {
        const row = await forUpdate(database, selectKey(transaction, keyId)).executeTakeFirst();
        if (row === undefined) throw noCustomerKey();
        const entry = decide(keyOfRow(row));
        if (entry === undefined) return keyOfRow(row);
        // A gateway of before there was a retirement goes by the end.
        const ended = { retired_at: entry.at, expires_at: Math.min(row.expires_at ?? entry.at, entry.at) };
        await transaction.updateTable("customer_keys").set(ended).where("key_id", "=", keyId).execute();
        await changeKeysVersion(transaction, row.customer_id);
        await insertAuditEvents(transaction, entry);
        return keyOfRow({ ...row, ...ended });
      });
    },

    usageOf: (customerId) => countKeyUsage(database, customerId),
  };
}

/**
 * Every key of a customer, as CustomerKeyStore owes it. `onFault` is notified of those that do not open and are in use. The
 * caller overwrites the secrets when done.
 */
async function openCustomerKeys(
  db: Kysely<Schema>,
  sealer: Sealer,
  customerId: string,
  onFault: (error: unknown) => void,
): Promise<CustomerSecrets> {
  const rows = await selectKeys(db, customerId)
    .select([...COLUMNS, "sealed_secret"])
    .execute();
  const opened: CustomerSecret[] = [];
  const unopened: StoredCustomerKey[] = [];
  for (const row of rows) {
    const key = keyOfRow(row);
    try {
      const context = customerKeyContext(row.customer_id, row.key_id, row.purpose);
      opened.push({ ...key, secret: sealer.open(row.sealed_secret, context) });
    } catch (error) {
      unopened.push(key);
      // A retired one proves nothing any more, and of one that was given up it was told then.
      if (key.retiredAt === undefined) onFault(error);
    }
  }
  return { opened, unopened };
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

function selectKey(db: Kysely<Schema>, keyId: string) {
  return db.selectFrom("customer_keys").where("key_id", "=", keyId).select(COLUMNS);
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

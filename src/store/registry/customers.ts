// The customers' queries.

import { randomBytes } from "node:crypto";
import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import { hasDevices } from "../../core/registry/customers.ts";
import { alreadyExists, doesNotExist } from "../../core/registry/names.ts";
import type { Customer, CustomerStore, StoredCustomer } from "../../core/registry/ports.ts";
import { type Database, forUpdate } from "../database.ts";
import { isReal, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { versionOfRow } from "./device-rows.ts";
import { findPage, type List } from "./lists.ts";

/** The customers of one database. */
export function createCustomerStore(database: Database): CustomerStore {
  return {
    insert(customer, entry) {
      return database.write(async (transaction) => {
        const row = await transaction
          .insertInto("customers")
          .values({
            ...columnsOf(customer),
            customer_id: customer.customerId,
            keys_version: randomKeysVersion(),
            created_at: entry.at,
            updated_at: entry.at,
            revision: 1,
          })
          .onConflict((conflict) => conflict.column("customer_id").doNothing())
          .returningAll()
          .executeTakeFirstOrThrow(() => alreadyExists("customer"));
        await insertAuditEvents(transaction, entry);
        return customerOfRow(row);
      });
    },

    async find(customerId) {
      const row = await database.read((db) => selectCustomer(db, customerId).executeTakeFirst());
      return row && customerOfRow(row);
    },

    async list(page) {
      const nameOf = ({ customer_id }: CustomerRow): string => customer_id;
      const { rows, next } = await database.read((db) => findPage<CustomerRow>(db, LIST, page, nameOf));
      return { items: rows.map(customerOfRow), next };
    },

    update(customerId, decide) {
      return database.write(async (transaction) => {
        const current = customerOfRow(await holdCustomer(transaction, database, customerId));
        const change = decide(current);
        if (change === undefined) return current;
        const { next, entry } = change;
        const row = await transaction
          .updateTable("customers")
          .set({ ...columnsOf(next), updated_at: entry.at, revision: current.revision + 1 })
          .where("customer_id", "=", customerId)
          .returningAll()
          .executeTakeFirstOrThrow();
        await insertAuditEvents(transaction, entry);
        return customerOfRow(row);
      });
    },

    delete(customerId, decide) {
      return database.write(async (transaction) => {
        const entry = decide(customerOfRow(await holdCustomer(transaction, database, customerId)));
        const device = await transaction
          .selectFrom("devices")
          .where("customer_id", "=", customerId)
          .select("device_key")
          .limit(1)
          .executeTakeFirst();
        if (device !== undefined) throw hasDevices();
        await transaction.deleteFrom("customer_keys").where("customer_id", "=", customerId).execute();
        await transaction.deleteFrom("customers").where("customer_id", "=", customerId).execute();
        await insertAuditEvents(transaction, entry);
      });
    },
  };
}

type CustomerRow = Selectable<Schema["customers"]>;

const LIST: List = {
  name: sql.ref("customer_id"),
  first: "",
  order: "asc",
  table: sql`customers`,
  select: sql`*`,
  columns: (field) =>
    ({
      customer_id: sql.ref("customer_id"),
      display_name: sql.ref("display_name"),
      status: sql.ref("status"),
      create_time: sql.ref("created_at"),
    })[field],
  indexed: ["customer_id"],
};

function selectCustomer(db: Kysely<Schema>, customerId: string) {
  return db.selectFrom("customers").where("customer_id", "=", customerId).where(isReal("customer_id")).selectAll();
}

/**
 * Reads a customer and locks it and its keys until the transaction ends: each change of a key locks the customer first.
 * @throws AuthError `does_not_exist`
 */
export async function holdCustomer(
  transaction: Transaction<Schema>,
  database: Database,
  customerId: string,
): Promise<CustomerRow> {
  return forUpdate(database, selectCustomer(transaction, customerId)).executeTakeFirstOrThrow(() =>
    doesNotExist("customer"),
  );
}

/** Makes every gateway read the keys of a customer again. Part of each transaction that changes a key. */
export async function changeKeysVersion(transaction: Transaction<Schema>, customerId: string): Promise<void> {
  await transaction
    .updateTable("customers")
    .set({ keys_version: randomKeysVersion() })
    .where("customer_id", "=", customerId)
    .execute();
}

function randomKeysVersion(): string {
  return randomBytes(12).toString("base64url");
}

function columnsOf({ displayName, status, loginLimit, tokensNotBefore }: Customer) {
  return { display_name: displayName, status, login_limit: loginLimit, tokens_not_before: tokensNotBefore };
}

function customerOfRow(row: CustomerRow): StoredCustomer {
  return {
    customerId: row.customer_id,
    displayName: row.display_name,
    status: row.status === "disabled" ? "disabled" : "enabled",
    loginLimit: row.login_limit,
    tokensNotBefore: row.tokens_not_before,
    ...versionOfRow(row),
  };
}

// The queries of customer keys, and of their use by devices.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type Kysely, type Selectable, sql } from "kysely";
import { OWN_KEY } from "../../core/assertion.ts";
import { alreadyExists, doesNotExist } from "../../core/registry/names.ts";
import type { CustomerKeyStore, KeyUsage, OpenedCustomerKey, StoredCustomerKey } from "../../core/registry/ports.ts";
import { type Database, forUpdate } from "../database.ts";
import { DECOY, isReal, type Schema } from "../schema.ts";
import { customerKeyContext, type Sealer } from "../sealing.ts";
import { insertAuditEvents } from "./audit.ts";
import { changeKeysVersion, holdCustomer } from "./customers.ts";

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

/** Devices counted at once: SQLite blocks logins meanwhile, for a few milliseconds. */
const STEP = 2_000;

/** Devices with one key. */
interface Group {
  /** Null for devices that have not logged in; `public_key` for devices with their own key pair. */
  readonly keyId: string | null;
  readonly devices: number;
  readonly lastUseAt: number | null;
  /** The last device_key of the group. */
  readonly last: string;
}

/** Counts the devices of a customer by the key that proved their last login. */
async function countKeyUsage(database: Database, customerId: string): Promise<KeyUsage> {
  const keys = new Map<string, { devices: number; lastUseAt: number }>();
  let silentDevices = 0;
  for (let after = DECOY, counted = STEP; customerId !== DECOY && counted === STEP; await letOthersGo()) {
    const from = after;
    const groups = await database.read((db) => countStep(db, customerId, from));
    counted = 0;
    for (const { keyId, devices, lastUseAt, last } of groups) {
      counted += devices;
      if (last > after) after = last;
      if (keyId === null) {
        silentDevices += devices;
        continue;
      }
      const before = keys.get(keyId) ?? { devices: 0, lastUseAt: 0 };
      keys.set(keyId, {
        devices: before.devices + devices,
        lastUseAt: Math.max(before.lastUseAt, lastUseAt ?? 0),
      });
    }
  }
  return { keys, silentDevices };
}

/** Counts the first devices after `after`. */
async function countStep(db: Kysely<Schema>, customerId: string, after: string): Promise<readonly Group[]> {
  const { rows } = await sql<Group>`
    select case when public_key <> '' then ${OWN_KEY} else last_key_id end as "keyId", count(*) as "devices",
      max(last_login_at) as "lastUseAt", max(device.device_key) as "last"
    from (
      select device_key, public_key from devices
      where customer_id = ${customerId} and device_key > ${after} order by device_key limit ${STEP}
    ) as device left join device_activity as activity on activity.device_key = device.device_key
    group by 1`.execute(db);
  return rows;
}

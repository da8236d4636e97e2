// The queries of single devices, and of their list.

import { type Kysely, sql, type Transaction } from "kysely";
import { alreadyExists, doesNotExist } from "../../core/registry/names.ts";
import type { Device, DeviceStore, StoredDevice } from "../../core/registry/ports.ts";
import { type Database, type Dialect, forUpdate } from "../database.ts";
import { isReal, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { importAll, rowOfChange } from "./device-import.ts";
import { type ActivityRow, type DeviceRow, deviceOfRow, rowOfDevice } from "./device-rows.ts";
import { type Columns, findPage, type List } from "./lists.ts";

/** The devices of one database. */
export function createDeviceStore(database: Database): DeviceStore {
  const list = deviceList(database.dialect);

  return {
    async insert(device, entry) {
      const enrol = (_device: Device, current: Device | undefined, customerExists: boolean): Device => {
        if (!customerExists) throw doesNotExist("customer");
        if (current !== undefined) throw alreadyExists("device");
        return device;
      };
      await importAll(database, [device], enrol, () => entry);
      return deviceOfRow(rowOfChange({ current: undefined, next: device }, entry.at));
    },

    find: (deviceKey) => database.read((db) => findDevice(db, deviceKey)),

    async list(page) {
      const { rows, next } = await database.read((db) =>
        findPage<DeviceRow & ActivityRow>(db, list, page, ({ device_key }) => device_key),
      );
      return { items: rows.map(deviceOfRow), next };
    },

    update(deviceKey, decide) {
      return database.write(async (transaction) => {
        const current = await holdDevice(transaction, database, deviceKey);
        const change = decide(current);
        if (change === undefined) return current;
        const { next, entry } = change;
        const { device_key: _key, customer_id: _owner, ...columns } = rowOfDevice(next);
        const revision = current.revision + 1;
        await transaction
          .updateTable("devices")
          .set({ ...columns, updated_at: entry.at, revision })
          .where("device_key", "=", deviceKey)
          .execute();
        await insertAuditEvents(transaction, entry);
        return { ...current, ...next, updatedAt: entry.at, revision };
      });
    },

    delete(deviceKey, decide) {
      return database.write(async (transaction) => {
        const entry = decide(await holdDevice(transaction, database, deviceKey));
        await transaction.deleteFrom("devices").where("device_key", "=", deviceKey).execute();
        await transaction.deleteFrom("device_activity").where("device_key", "=", deviceKey).execute();
        await insertAuditEvents(transaction, entry);
      });
    },

    importAll: (rows, decide, describe) => importAll(database, rows, decide, describe),
  };
}

async function findDevice(db: Kysely<Schema>, deviceKey: string): Promise<StoredDevice | undefined> {
  const row = await db
    .selectFrom("devices as device")
    .leftJoin("device_activity as activity", "activity.device_key", "device.device_key")
    .where("device.device_key", "=", deviceKey)
    .where(isReal("device.device_key"))
    .selectAll("device")
    .select(["last_login_at", "last_key_id", "last_failure_at", "last_failure_reason"])
    .executeTakeFirst();
  return row && deviceOfRow(row);
}

/** Reads a device and locks it until the transaction ends. @throws AuthError `does_not_exist` */
async function holdDevice(
  transaction: Transaction<Schema>,
  database: Database,
  deviceKey: string,
): Promise<StoredDevice> {
  const held = transaction.selectFrom("devices").where("device_key", "=", deviceKey).select("device_key");
  await forUpdate(database, held).executeTakeFirst();
  const device = await findDevice(transaction, deviceKey);
  if (device !== undefined) return device;
  throw doesNotExist("device");
}

/** The list in SQL. The devices of one customer are read by their index, all others by device_key. */
export function deviceList(dialect: Dialect): List {
  return { ...LIST, columns: columnsOf(dialect) };
}

const LIST = {
  name: sql.ref<string>("device.device_key"),
  first: "",
  order: "asc",
  table: sql`devices as device`,
  // Both tables get the bounds, so that neither is read completely.
  joined: (after: string, last: string | undefined) => sql`left join device_activity as activity
    on activity.device_key = device.device_key and activity.device_key > ${after}
    ${last === undefined ? sql`` : sql`and activity.device_key <= ${last}`}`,
  select: sql`device.*, last_login_at, last_key_id, last_failure_at, last_failure_reason`,
  indexed: ["customer_id", "device_key"],
  ordered: ["device_key"],
} as const;

const LABEL = "labels.";

/** The columns of fields. A missing text is compared as empty, the way callers see it. */
function columnsOf(dialect: Dialect): Columns {
  return (field) => {
    if (field.startsWith(LABEL)) return labelOf(field.slice(LABEL.length), dialect);
    return {
      customer_id: sql.ref("device.customer_id"),
      device_key: sql.ref("device.device_key"),
      display_name: sql.ref("device.display_name"),
      status: sql.ref("device.status"),
      key_mode: sql.ref("device.key_mode"),
      shared_identity: sql.ref("device.shared_identity"),
      replay_guard: sql.ref("device.replay_guard"),
      accepts_shared_key: sql.ref("device.accepts_shared"),
      last_key_id: sql`coalesce(${sql.ref("activity.last_key_id")}, '')`,
      last_failure_reason: sql`coalesce(${sql.ref("activity.last_failure_reason")}, '')`,
      last_login_time: sql.ref("activity.last_login_at"),
      last_seen_time: sql`coalesce(activity.last_login_at, device.created_at)`,
      failing: sql`case when activity.last_failure_at > coalesce(activity.last_login_at, 0) then 1 else 0 end`,
      last_failure_time: sql.ref("activity.last_failure_at"),
      create_time: sql.ref("device.created_at"),
    }[field];
  };
}

function labelOf(name: string, dialect: Dialect) {
  return dialect === "postgres"
    ? sql`coalesce(device.labels::jsonb ->> ${name}::text, '')`
    : sql`coalesce(json_extract(device.labels, ${`$."${name}"`}), '')`;
}

// The queries of single devices.

import type { Kysely, Transaction } from "kysely";
import { alreadyExists, doesNotExist } from "../../core/registry/names.ts";
import type { Device, DeviceStore, StoredDevice } from "../../core/registry/ports.ts";
import { type Database, forUpdate } from "../database.ts";
import { isReal, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { importAll, rowOfChange } from "./device-import.ts";
import { listDevices } from "./device-list.ts";
import { deviceOfRow, rowOfDevice } from "./device-rows.ts";

/** The devices of one database. */
export function createDeviceStore(database: Database): DeviceStore {
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

    list: (page) => listDevices(database, page),

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

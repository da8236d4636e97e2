// Counts the devices of a customer by the key that proved their last login.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import { OWN_KEY } from "../../core/assertion.ts";
import type { KeyUsage } from "../../core/registry/ports.ts";
import type { Database } from "../database.ts";
import { DECOY, type Schema } from "../schema.ts";

/** Devices counted at once: SQLite blocks logins meanwhile, for a few milliseconds. */
const STEP = 2_000;

interface Group {
  /** Null for devices that have not logged in; `public_key` for devices with their own key pair. */
  readonly keyId: string | null;
  readonly devices: number;
  readonly lastUseAt: number | null;
  /** The last device_key of the group. */
  readonly last: string;
}

/** Implements CustomerKeyStore.usageOf. */
export async function countKeyUsage(database: Database, customerId: string): Promise<KeyUsage> {
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

// Counts the devices of a customer by the key that proved their last login. Knows the schema.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import type { DevicesOfKey, KeyUsage, Tally } from "../../core/registry/ports.ts";
import type { Database } from "../database.ts";
import { DECOY, type Schema } from "../schema.ts";

/** Counted at once: with SQLite nothing else runs meanwhile, and logins wait for some milliseconds at most. */
const STEP = 2_000;

/** How a device signs, and so what it is counted as. */
type Mode = keyof Tally;

interface Group {
  readonly mode: Mode;
  readonly keyId: string | null;
  readonly devices: number;
  readonly firstUseAt: number | null;
  readonly lastUseAt: number | null;
  /** The last device_key of the group. */
  readonly last: string;
}

const NONE: Tally = { shared: 0, moving: 0, derived: 0 };

/** As CustomerKeyStore owes it. */
export async function countKeyUsage(database: Database, customerId: string): Promise<KeyUsage> {
  const keys = new Map<string, DevicesOfKey>();
  const silent = { ...NONE };
  const devices = { ...NONE };
  for (let after = DECOY, counted = STEP; customerId !== DECOY && counted === STEP; await letOthersGo()) {
    const from = after;
    const groups = await database.read((db) => countStep(db, customerId, from));
    counted = 0;
    for (const group of groups) {
      counted += group.devices;
      devices[group.mode] += group.devices;
      if (group.last > after) after = group.last;
      if (group.keyId === null || group.lastUseAt === null) silent[group.mode] += group.devices;
      else keys.set(group.keyId, add(keys.get(group.keyId), group, group.lastUseAt));
    }
  }
  return { keys, silent, devices };
}

function add(before: DevicesOfKey | undefined, { mode, devices, firstUseAt }: Group, lastUseAt: number): DevicesOfKey {
  const tally = before?.devices ?? NONE;
  return {
    devices: { ...tally, [mode]: tally[mode] + devices },
    firstUseAt: Math.min(before?.firstUseAt ?? Number.POSITIVE_INFINITY, firstUseAt ?? lastUseAt),
    lastUseAt: Math.max(before?.lastUseAt ?? 0, lastUseAt),
  };
}

/** Counts the first devices after `after`. */
async function countStep(db: Kysely<Schema>, customerId: string, after: string): Promise<readonly Group[]> {
  const { rows } = await sql<Group>`
    select case when key_mode = 'shared' then 'shared' when accepts_shared = 1 then 'moving' else 'derived' end as "mode",
      last_key_id as "keyId", count(*) as "devices", min(key_since) as "firstUseAt", max(last_login_at) as "lastUseAt",
      max(device.device_key) as "last"
    from (
      select device_key, key_mode, accepts_shared from devices
      where customer_id = ${customerId} and device_key > ${after} order by device_key limit ${STEP}
    ) as device left join device_activity as activity on activity.device_key = device.device_key
    group by 1, 2`.execute(db);
  return rows;
}

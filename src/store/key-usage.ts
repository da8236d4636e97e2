// Counts the devices of a customer by the key that proved their last login. Knows the schema.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type Kysely, sql } from "kysely";
import type { DevicesOfKey, KeyUsage, Tally } from "../core/registry/ports.ts";
import type { Database } from "./database.ts";
import { DECOY } from "./decoy.ts";
import type { Schema } from "./schema.ts";

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
}

const NONE: Tally = { shared: 0, moving: 0, derived: 0 };

/** As CustomerKeyStore owes it. */
export async function countKeyUsage(database: Database, customerId: string): Promise<KeyUsage> {
  const keys = new Map<string, DevicesOfKey>();
  const silent = { ...NONE };
  const devices = { ...NONE };
  for (let after: string | undefined = ""; customerId !== DECOY && after !== undefined; ) {
    const from: string = after;
    const { groups, last } = await database.read((db) => countStep(db, customerId, from));
    for (const group of groups) {
      devices[group.mode] += group.devices;
      if (group.keyId === null || group.lastUseAt === null) silent[group.mode] += group.devices;
      else keys.set(group.keyId, add(keys.get(group.keyId), group, group.lastUseAt));
    }
    after = last;
    await letOthersGo();
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

/** Counts some devices after `after`, up to the `last`; undefined: all of them. */
async function countStep(
  db: Kysely<Schema>,
  customerId: string,
  after: string,
): Promise<{ readonly groups: readonly Group[]; readonly last: string | undefined }> {
  const edge = await db
    .selectFrom("devices")
    .where("customer_id", "=", customerId)
    .where("device_key", ">", after)
    .orderBy("device_key")
    .select("device_key")
    .offset(STEP - 1)
    .limit(1)
    .executeTakeFirst();
  const last = edge?.device_key;
  const groups = await db
    .selectFrom("devices as device")
    .leftJoin("device_activity as activity", (join) =>
      join
        .onRef("activity.device_key", "=", "device.device_key")
        // Said of both tables, so that neither is looked through whole.
        .on("activity.device_key", ">", after)
        .$call((narrowed) => (last === undefined ? narrowed : narrowed.on("activity.device_key", "<=", last))),
    )
    .where("device.customer_id", "=", customerId)
    .where("device.device_key", ">", after)
    .$if(last !== undefined, (query) => query.where("device.device_key", "<=", last ?? ""))
    .select(({ fn }) => [
      sql<Mode>`case when device.key_mode = 'shared' then 'shared' when device.accepts_shared = 1 then 'moving' else 'derived' end`.as(
        "mode",
      ),
      "activity.last_key_id as keyId",
      fn.countAll<number>().as("devices"),
      fn.min("activity.key_since").as("firstUseAt"),
      fn.max("activity.last_login_at").as("lastUseAt"),
    ])
    .groupBy(["mode", "activity.last_key_id"])
    .execute();
  return { groups, last };
}

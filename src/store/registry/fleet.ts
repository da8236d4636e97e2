// The queries of the whole fleet, in steps of a few milliseconds, since SQLite blocks everything else meanwhile.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { sql, type Transaction } from "kysely";
import type { FleetChange, FleetCounts, FleetStore } from "../../core/registry/fleet.ts";
import type { StoredDevice } from "../../core/registry/ports.ts";
import type { Database, Dialect } from "../database.ts";
import { DECOY, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { holdDevices, listed, put, rowOfChange } from "./device-import.ts";
import { deviceList } from "./device-list.ts";
import { countPage, findPage } from "./lists.ts";

/** Devices that one statement reads. */
const READ_AT_ONCE = 2_000;
/** Devices that one statement writes. */
const WRITTEN_AT_ONCE = 50;

/** The fleet of one database. */
export function createFleetStore(database: Database): FleetStore {
  const { dialect } = database;
  const list = deviceList(dialect);

  return {
    async count(after, conditions) {
      const counted = await database.read((db) => countPage(db, list, { after, size: READ_AT_ONCE, conditions }));
      await letOthersGo();
      return counted;
    },

    async findNames(page) {
      const names = { ...list, select: sql`device.device_key` };
      const { rows, next } = await database.read((db) =>
        findPage<{ device_key: string }>(db, names, page, ({ device_key }) => device_key),
      );
      await letOthersGo();
      return { items: rows.map(({ device_key }) => device_key), next };
    },

    change: (deviceKeys, decide) => changeAll(database, deviceKeys, decide),

    async countAll(hourAgo, dayAgo) {
      const total = { devices: 0, disabled: 0, seenLastHour: 0, seenLastDay: 0, failing: 0 };
      for (let after = DECOY, counted = READ_AT_ONCE; counted === READ_AT_ONCE; await letOthersGo()) {
        const { last, ...counts } = await countStep(database, after, hourAgo, dayAgo);
        for (const name of COUNTS) total[name] += Number(counts[name] ?? 0);
        counted = Number(counts.devices);
        after = last ?? after;
      }
      return total;
    },
  };
}

/** Changes devices in one transaction, which waits for the disk once. Other tasks run between its statements. */
async function changeAll(
  database: Database,
  ...[names, decide]: Parameters<FleetStore["change"]>
): ReturnType<FleetStore["change"]> {
  const { dialect } = database;
  return database.write(async (transaction) => {
    let [found, changed] = [0, 0];
    for (let start = 0; start < names.length; start += WRITTEN_AT_ONCE) {
      const some = names.slice(start, start + WRITTEN_AT_ONCE);
      const devices = [...(await holdDevices(transaction, dialect, some)).values()];
      await letOthersGo();
      const decided = devices.flatMap((current): Decided[] => {
        const change = decide(current);
        return change === undefined ? [] : [{ current, ...change }];
      });
      await write(transaction, dialect, decided);
      found += devices.length;
      changed += decided.length;
    }
    return { found, changed };
  });
}

type Decided = FleetChange & { readonly current: StoredDevice };

async function write(transaction: Transaction<Schema>, dialect: Dialect, decided: readonly Decided[]): Promise<void> {
  const updated = decided.flatMap(({ current, next, entry }) =>
    next === undefined ? [] : [rowOfChange({ current, next }, entry.at)],
  );
  if (updated.length > 0) await put(transaction, dialect, updated);
  const deleted = decided.flatMap(({ current, next }) => (next === undefined ? [current.deviceKey] : []));
  if (deleted.length > 0) {
    const gone = listed(dialect, deleted);
    await sql`delete from devices where device_key in ${gone}`.execute(transaction);
    await sql`delete from device_activity where device_key in ${gone}`.execute(transaction);
  }
  await letOthersGo();
  await insertAuditEvents(transaction, ...decided.map(({ entry }) => entry));
  await letOthersGo();
}

const COUNTS = ["devices", "disabled", "seenLastHour", "seenLastDay", "failing"] as const;

type Step = Record<keyof FleetCounts, number | null> & { readonly last: string | null };

/** Counts the first devices after `after`. */
async function countStep(database: Database, after: string, hourAgo: number, dayAgo: number): Promise<Step> {
  const { rows } = await database.read((db) =>
    sql<Step>`
      select count(*) as "devices", max(device.device_key) as "last",
        sum(case when status = 'disabled' then 1 else 0 end) as "disabled",
        sum(case when last_login_at >= ${hourAgo} then 1 else 0 end) as "seenLastHour",
        sum(case when last_login_at >= ${dayAgo} then 1 else 0 end) as "seenLastDay",
        sum(case when last_failure_at > coalesce(last_login_at, 0) then 1 else 0 end) as "failing"
      from (select device_key, status from devices where device_key > ${after} order by device_key limit ${READ_AT_ONCE})
        as device left join device_activity as activity on activity.device_key = device.device_key`.execute(db),
  );
  const [step] = rows;
  if (step === undefined) throw new TypeError("an aggregate has one row");
  return step;
}

// The queries of the whole fleet, in short steps. SQLite blocks everything else meanwhile.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { sql } from "kysely";
import type { FleetCounts, FleetStore } from "../../core/registry/fleet.ts";
import type { Database } from "../database.ts";
import { DECOY } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { holdDevices, listed, put, rowOfChange } from "./device-import.ts";
import { deviceList } from "./devices.ts";
import { findPage } from "./lists.ts";

/** Devices that one statement reads. */
const READ_AT_ONCE = 2_000;
/** Devices that one statement writes. */
const WRITTEN_AT_ONCE = 50;

/** The fleet of one database. */
export function createFleetStore(database: Database): FleetStore {
  const { dialect } = database;
  const list = deviceList(dialect);

  return {
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
      for (let after: string | null = DECOY; after !== null; await letOthersGo()) {
        const from: string = after;
        const { rows } = await database.read((db) => countStep(from, hourAgo, dayAgo).execute(db));
        after = null;
        for (const { last, ...counts } of rows) {
          for (const name of COUNTS) total[name] += Number(counts[name]);
          after = last;
        }
      }
      return total;
    },
  };
}

const COUNTS = ["devices", "disabled", "seenLastHour", "seenLastDay", "failing"] as const;

/** Counts the first devices after `after`; without any, `last` is null. */
function countStep(after: string, hourAgo: number, dayAgo: number) {
  return sql<FleetCounts & { readonly last: string | null }>`
    select count(*) as "devices", max(device.device_key) as "last",
      count(*) filter (where status = 'disabled') as "disabled",
      count(*) filter (where last_login_at >= ${hourAgo}) as "seenLastHour",
      count(*) filter (where last_login_at >= ${dayAgo}) as "seenLastDay",
      count(*) filter (where last_failure_at > coalesce(last_login_at, 0)) as "failing"
    from (select device_key, status from devices where device_key > ${after} order by device_key limit ${READ_AT_ONCE})
      as device left join device_activity as activity on activity.device_key = device.device_key`;
}

/** Changes devices in one transaction, which waits for the disk once. Other tasks run between its statements. */
async function changeAll(
  { dialect, write }: Database,
  ...[names, decide]: Parameters<FleetStore["change"]>
): ReturnType<FleetStore["change"]> {
  return write(async (transaction) => {
    let [matched, changed] = [0, 0];
    for (let start = 0; start < names.length; start += WRITTEN_AT_ONCE) {
      const some = names.slice(start, start + WRITTEN_AT_ONCE);
      const devices = [...(await holdDevices(transaction, dialect, some)).values()];
      await letOthersGo();
      const changes = devices.flatMap((current) => {
        const change = decide(current);
        return change === undefined ? [] : [{ current, ...change }];
      });
      const updated = changes.flatMap(({ current, next, entry }) =>
        next === undefined ? [] : [rowOfChange({ current, next }, entry.at)],
      );
      if (updated.length > 0) await put(transaction, dialect, updated);
      const deleted = changes.flatMap(({ current, next }) => (next === undefined ? [current.deviceKey] : []));
      if (deleted.length > 0) {
        const gone = listed(dialect, deleted);
        await sql`delete from devices where device_key in ${gone}`.execute(transaction);
        await sql`delete from device_activity where device_key in ${gone}`.execute(transaction);
      }
      await letOthersGo();
      await insertAuditEvents(transaction, ...changes.map(({ entry }) => entry));
      await letOthersGo();
      matched += devices.length;
      changed += changes.length;
    }
    return { matched, changed };
  });
}

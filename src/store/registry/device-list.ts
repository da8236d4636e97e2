// The list of devices.

import { sql } from "kysely";
import type { PageQuery, PageResult, StoredDevice } from "../../core/registry/ports.ts";
import type { Database, Dialect } from "../database.ts";
import { type ActivityRow, type DeviceRow, deviceOfRow } from "./device-rows.ts";
import { type Columns, findPage, type List } from "./lists.ts";

type Row = DeviceRow & ActivityRow;

/** Implements DeviceStore.list. The devices of one customer are read by their index, all others by device_key. */
export async function listDevices(database: Database, page: PageQuery): Promise<PageResult<StoredDevice>> {
  const list = deviceList(database.dialect);
  const { rows, next } = await database.read((db) => findPage<Row>(db, list, page, ({ device_key }) => device_key));
  return { items: rows.map(deviceOfRow), next };
}

/** The list in SQL. */
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

// The list of devices. Knows the schema.

import { sql } from "kysely";
import type { Page, Paged, StoredDevice } from "../core/registry/ports.ts";
import type { Database, Dialect } from "./database.ts";
import { deviceOfRow } from "./device-rows.ts";
import { apart, type Columns, findPage, holds } from "./lists.ts";

/** By device_key, as DeviceStore owes it: the devices of one customer by the index that has them, all others by their names. */
export async function listDevices(database: Database, { after, size, conditions }: Page): Promise<Paged<StoredDevice>> {
  const { value: customerId, rest: others } = apart(conditions, "customer_id");
  const { value: deviceKey, rest } = apart(others, "device_key");
  const { rows, next } = await database.read((db) => {
    const from = db
      .selectFrom("devices as device")
      .where("device.device_key", ">", after)
      .$if(customerId !== undefined, (query) => query.where("device.customer_id", "=", customerId ?? ""))
      .$if(deviceKey !== undefined, (query) => query.where("device.device_key", "=", deviceKey ?? ""))
      .orderBy("device.device_key");
    return findPage(
      {
        names: async (skipped) => {
          const named = await from.select("device.device_key").limit(2).offset(skipped).execute();
          return named.map(({ device_key }) => device_key);
        },
        rows: (last, most) =>
          from
            .leftJoin("device_activity as activity", (join) =>
              join
                .onRef("activity.device_key", "=", "device.device_key")
                // Said of both tables, so that neither is looked through whole.
                .on("activity.device_key", ">", after)
                .$call((narrowed) => (last === undefined ? narrowed : narrowed.on("activity.device_key", "<=", last))),
            )
            .$if(last !== undefined, (query) => query.where("device.device_key", "<=", last ?? ""))
            .where(holds(rest, columnsOf(database.dialect)))
            .selectAll("device")
            .select(["last_login_at", "last_key_id", "last_failure_at", "last_failure_reason"])
            .limit(most)
            .execute(),
        nameOf: ({ device_key }) => device_key,
      },
      size,
      rest.length > 0,
    );
  });
  return { items: rows.map(deviceOfRow), next };
}

const LABEL = "labels.";

/** A text that was never set is empty, as callers are shown it. */
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

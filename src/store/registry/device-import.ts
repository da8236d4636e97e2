// The queries of an import, each with many devices in one parameter.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type RawBuilder, sql, type Transaction } from "kysely";
import type { AuditEntry, Device, StoredDevice, Versioned } from "../../core/registry/ports.ts";
import { Overtaken } from "../busy.ts";
import type { Database, Dialect } from "../database.ts";
import { isReal, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { DEVICE_COLUMNS, type DeviceRow, deviceOfRow, rowOfDevice } from "./device-rows.ts";

const COLUMNS = sql.join(DEVICE_COLUMNS.map((name) => sql.ref(name)));

/** Rows of one statement: SQLite blocks logins meanwhile. */
const ROWS_AT_ONCE = 100;

/** Implements DeviceStore.importAll. */
export async function importAll<Row extends Pick<Device, "deviceKey" | "customerId">>(
  { dialect, write }: Database,
  rows: readonly Row[],
  decide: (row: Row, current: Device | undefined, customerExists: boolean) => Device | undefined,
  describe: () => AuditEntry,
): Promise<void> {
  const deviceKeys = rows.map(({ deviceKey }) => deviceKey);
  const customerIds = [...new Set(rows.map(({ customerId }) => customerId))];
  await write(async (transaction) => {
    const customers = await holdCustomers(transaction, dialect, customerIds);
    const devices = await holdDevices(transaction, dialect, deviceKeys);
    const decided = rows.flatMap((row) => {
      const current = devices.get(row.deviceKey);
      const next = decide(row, current, customers.has(row.customerId));
      return next === undefined ? [] : [{ current, next }];
    });
    if (decided.length === 0) return;
    const entry = describe();
    await put(
      transaction,
      dialect,
      decided.map((change) => rowOfChange(change, entry.at)),
    );
    // A deleted device of the same name may have activity that was written after the deletion.
    const created = decided.flatMap(({ current, next }) => (current === undefined ? [next.deviceKey] : []));
    await sql`delete from device_activity where device_key in ${listed(dialect, created)}`.execute(transaction);
    await insertAuditEvents(transaction, entry);
  });
}

/** The row of a device that is new or changed at `now`. */
export function rowOfChange(
  { current, next }: { readonly current: (Device & Versioned) | undefined; readonly next: Device },
  now: number,
): DeviceRow {
  const version = { created_at: current?.createdAt ?? now, updated_at: now, revision: (current?.revision ?? 0) + 1 };
  return { ...rowOfDevice(next), ...version };
}

/** A list of names as one parameter. */
export function listed(dialect: Dialect, names: readonly string[]): RawBuilder<unknown> {
  return dialect === "postgres"
    ? sql`(select unnest(${names}::text[]))`
    : sql`(select value from json_each(${JSON.stringify(names)}))`;
}

/** Locks customers until the transaction ends. @returns those that exist */
async function holdCustomers(
  transaction: Transaction<Schema>,
  dialect: Dialect,
  customerIds: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<Pick<Schema["customers"], "customer_id">>`select customer_id from customers
    where customer_id in ${listed(dialect, customerIds)} and ${isReal("customer_id")} order by customer_id
    ${dialect === "postgres" ? sql`for key share` : sql``}`.execute(transaction);
  return new Set(rows.map(({ customer_id }) => customer_id));
}

/** Locks devices until the transaction ends. @returns them by device_key */
export async function holdDevices(
  transaction: Transaction<Schema>,
  dialect: Dialect,
  deviceKeys: readonly string[],
): Promise<ReadonlyMap<string, StoredDevice>> {
  const { rows } = await sql<DeviceRow>`select ${COLUMNS} from devices
    where device_key in ${listed(dialect, deviceKeys)} and ${isReal("device_key")} order by device_key
    ${dialect === "postgres" ? sql`for update` : sql``}`.execute(transaction);
  return new Map(rows.map((row) => [row.device_key, deviceOfRow(row)]));
}

const REPLACED = DEVICE_COLUMNS.filter((name) => name !== "device_key" && name !== "created_at");

/** Writes each device over its last revision. @throws Overtaken if another transaction has enrolled one meanwhile */
export async function put(
  transaction: Transaction<Schema>,
  dialect: Dialect,
  devices: readonly DeviceRow[],
): Promise<void> {
  const from =
    dialect === "postgres"
      ? (json: string) => sql`${COLUMNS} from json_populate_recordset(null::devices, ${json}::json)`
      : (json: string) => {
          const fields = DEVICE_COLUMNS.map((name) => sql`value ->> ${sql.lit(name)}`);
          return sql`${sql.join(fields)} from json_each(${json})`;
        };
  const replaced = sql.join(REPLACED.map((name) => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`));
  // Sorted, so that two imports of the same devices do not deadlock.
  const sorted = devices.toSorted((one, other) => (one.device_key < other.device_key ? -1 : 1));
  let written = 0;
  for (let start = 0; start < sorted.length; start += ROWS_AT_ONCE) {
    await letOthersGo();
    const json = JSON.stringify(sorted.slice(start, start + ROWS_AT_ONCE));
    const { numAffectedRows } = await sql`insert into devices (${COLUMNS}) select ${from(json)} where true
      on conflict (device_key) do update set ${replaced}
      where devices.created_at = excluded.created_at and devices.revision = excluded.revision - 1`.execute(transaction);
    written += Number(numAffectedRows ?? 0);
  }
  if (written < sorted.length) throw new Overtaken();
}

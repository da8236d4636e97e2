// The queries of an import: devices by the thousand, in one transaction, each statement with one parameter for all of them.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type Kysely, type RawBuilder, sql, type Transaction } from "kysely";
import type { Device, DeviceStore, StoredDevice, Versioned } from "../../core/registry/ports.ts";
import { retryWhile } from "../busy.ts";
import type { Database, Dialect } from "../database.ts";
import { isReal, type Schema } from "../schema.ts";
import { insertAuditEvents } from "./audit.ts";
import { DEVICE_COLUMNS, type DeviceRow, deviceOfRow, rowOfDevice } from "./device-rows.ts";

interface Decided {
  readonly current: (Device & Versioned) | undefined;
  readonly next: Device;
}

/** Another transaction enrolled or deleted what this one had looked at. */
class Overtaken extends Error {
  override readonly name = "Overtaken";
}

const COLUMNS = sql.join(DEVICE_COLUMNS.map((name) => sql.ref(name)));

/** Rows of one statement: SQLite holds up logins meanwhile. */
const ROWS_AT_ONCE = 100;

/** As DeviceStore owes it. */
export async function importAll(
  { dialect, ...database }: Database,
  ...[rows, decide, describe]: Parameters<DeviceStore["importAll"]>
): Promise<void> {
  const deviceKeys = rows.map(({ deviceKey }) => deviceKey);
  const customerIds = [...new Set(rows.map(({ customerId }) => customerId))];

  async function look(db: Kysely<Schema>, lock: boolean): Promise<readonly Decided[]> {
    const customers = await findCustomers(db, dialect, customerIds, lock);
    const devices = await findDevices(db, dialect, deviceKeys, lock);
    return rows.flatMap(({ deviceKey, customerId }, place) => {
      const current = devices.get(deviceKey);
      const next = decide(place, current, customers.has(customerId));
      return next === undefined ? [] : [{ current, next }];
    });
  }

  /** Keeps the customers of devices there until the transaction ends. */
  async function hold(transaction: Transaction<Schema>, decided: readonly Decided[]): Promise<void> {
    const owners = [...new Set(decided.map(({ next }) => next.customerId))];
    const { size } = await findCustomers(transaction, dialect, owners, true);
    if (size < owners.length) throw new Overtaken();
  }

  async function write(transaction: Transaction<Schema>, decided: readonly Decided[]): Promise<void> {
    const entry = describe();
    const changed = decided.map((change) => rowOfChange(change, entry.at)).sort(byDeviceKey);
    await put(transaction, dialect, changed);
    // A former device of such a name may have been seen after it was deleted.
    const created = decided.filter(isNew).map(({ next }) => next.deviceKey);
    await sql`delete from device_activity where device_key in ${listed(dialect, created)}`.execute(transaction);
    await insertAuditEvents(transaction, entry);
  }

  await retryWhile(
    (error) => error instanceof Overtaken,
    async () => {
      // A repeated import finds nothing to do, and locks no writer out meanwhile.
      const seen = await database.read((db) => look(db, false));
      if (seen.length === 0) return;
      await database.write(async (transaction) => {
        // New devices need not be looked for again: were one there by now, it would not be written over.
        if (seen.every(isNew)) {
          await hold(transaction, seen);
          await write(transaction, seen);
          return;
        }
        const decided = await look(transaction, true);
        if (decided.length > 0) await write(transaction, decided);
      });
    },
  );
}

function isNew({ current }: Decided): boolean {
  return current === undefined;
}

/** The row of a device that is new or changed at `now`. */
export function rowOfChange({ current, next }: Decided, now: number): DeviceRow {
  const version = { created_at: current?.createdAt ?? now, updated_at: now, revision: (current?.revision ?? 0) + 1 };
  return { ...rowOfDevice(next), ...version };
}

/** In one order, so that two imports of the same devices do not each wait for the other. */
function byDeviceKey(one: DeviceRow, other: DeviceRow): number {
  return one.device_key < other.device_key ? -1 : 1;
}

/** Names as a set, in one parameter. */
export function listed(dialect: Dialect, names: readonly string[]): RawBuilder<unknown> {
  return dialect === "postgres"
    ? sql`(select unnest(${names}::text[]))`
    : sql`(select value from json_each(${JSON.stringify(names)}))`;
}

/** @returns those of the customers that are there; with `lock`, they stay until the transaction ends */
async function findCustomers(
  db: Kysely<Schema>,
  dialect: Dialect,
  customerIds: readonly string[],
  lock: boolean,
): Promise<ReadonlySet<string>> {
  const locking = lock && dialect === "postgres" ? sql`for key share` : sql``;
  const { rows } = await sql<Pick<Schema["customers"], "customer_id">>`select customer_id from customers
    where customer_id in ${listed(dialect, customerIds)} order by customer_id ${locking}`.execute(db);
  return new Set(rows.map(({ customer_id }) => customer_id));
}

/** @returns by device_key; with `lock`, nobody changes them until the transaction ends */
export async function findDevices(
  db: Kysely<Schema>,
  dialect: Dialect,
  deviceKeys: readonly string[],
  lock: boolean,
): Promise<ReadonlyMap<string, StoredDevice>> {
  const locking = lock && dialect === "postgres" ? sql`for update` : sql``;
  const { rows } = await sql<DeviceRow>`select ${COLUMNS} from devices
    where device_key in ${listed(dialect, deviceKeys)} and ${isReal("device_key")} order by device_key ${locking}`.execute(
    db,
  );
  return new Map(rows.map((row) => [row.device_key, deviceOfRow(row)]));
}

const REPLACED = DEVICE_COLUMNS.filter((name) => name !== "device_key" && name !== "created_at");

/** Writes each device over its last revision. @throws Overtaken where there is another, or it was enrolled anew */
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
  let written = 0;
  for (let start = 0; start < devices.length; start += ROWS_AT_ONCE) {
    await letOthersGo();
    const json = JSON.stringify(devices.slice(start, start + ROWS_AT_ONCE));
    const { numAffectedRows } = await sql`insert into devices (${COLUMNS}) select ${from(json)} where true
      on conflict (device_key) do update set ${replaced}
      where devices.created_at = excluded.created_at and devices.revision = excluded.revision - 1`.execute(transaction);
    written += Number(numAffectedRows ?? 0);
  }
  if (written < devices.length) throw new Overtaken();
}

// What an import says to the database of many devices at once: statements of a few sizes, each compiled once, since that takes
// longer than running them. Knows the schema.

import { setImmediate as letOthersGo } from "node:timers/promises";
import { type CompiledQuery, type Kysely, sql } from "kysely";
import type { Device, Versioned } from "../core/registry/ports.ts";
import { type Database, forUpdate } from "./database.ts";
import { DEVICE_COLUMNS, type DeviceRow, deviceOfRow, NEVER_SEEN, rowOfDevice } from "./device-rows.ts";
import type { Schema } from "./schema.ts";

export type VersionedDevice = Device & Versioned;

/** Who asks: the database, or a transaction, which alone can lock. */
type Asker = Pick<Kysely<Schema>, "executeQuery">;

export interface DeviceStatements {
  /** @returns those of the customers that are there; with `lock`, they stay until the transaction ends */
  findCustomers(asker: Asker, customerIds: readonly string[], lock: boolean): Promise<ReadonlySet<string>>;
  /** @returns by device_key; with `lock`, nobody changes them until the transaction ends */
  findDevices(
    asker: Asker,
    deviceKeys: readonly string[],
    lock: boolean,
  ): Promise<ReadonlyMap<string, VersionedDevice>>;
  /** Writes devices, each over its last revision. @returns how many; fewer than were given: there was another revision */
  put(asker: Asker, devices: readonly VersionedDevice[]): Promise<number>;
  /** Deletes what was seen of former devices of these names. */
  forgetActivity(asker: Asker, deviceKeys: readonly string[]): Promise<void>;
}

/** So many names are asked for at once; where there are fewer, the last is said again. */
const NAMES_AT_ONCE = [10, 100, 500, 1_000];
/** So many rows are written at once. PostgreSQL takes 65,535 parameters, SQLite 32,766. */
const ROWS_AT_ONCE = [100, 10, 1];

const statementsOf = new WeakMap<Database, DeviceStatements>();

/** The statements of a database, for as long as it is there. */
export function deviceStatements(database: Database): DeviceStatements {
  const known = statementsOf.get(database) ?? createStatements(database);
  statementsOf.set(database, known);
  return known;
}

function createStatements(database: Database): DeviceStatements {
  const { db, dialect } = database;
  const customersIn = (names: readonly string[]) =>
    db.selectFrom("customers").where("customer_id", "in", names).select("customer_id").orderBy("customer_id");
  // In one order, so that two imports of the same devices do not each wait for the other.
  const devicesIn = (names: readonly string[]) =>
    db.selectFrom("devices").where("device_key", "in", names).select(DEVICE_COLUMNS).orderBy("device_key");

  const seeCustomers = compiledOnce((size) => customersIn(placeholders(size)).compile());
  const holdCustomers = compiledOnce((size) => {
    const query = customersIn(placeholders(size));
    return (dialect === "postgres" ? query.forKeyShare() : query).compile();
  });
  const seeDevices = compiledOnce((size) => devicesIn(placeholders(size)).compile());
  const holdDevices = compiledOnce((size) => forUpdate(database, devicesIn(placeholders(size))).compile());
  const put = compiledOnce((size) => compilePut(db, size));
  const forgetActivity = compiledOnce((size) =>
    db.deleteFrom("device_activity").where("device_key", "in", placeholders(size)).compile(),
  );

  return {
    async findCustomers(asker, customerIds, lock) {
      const rows = await askFor(asker, customerIds, lock ? holdCustomers : seeCustomers);
      return new Set(rows.map(({ customer_id }) => customer_id));
    },

    async findDevices(asker, deviceKeys, lock) {
      const rows = await askFor(asker, deviceKeys, lock ? holdDevices : seeDevices);
      return new Map(rows.map((row) => [row.device_key, deviceOfRow({ ...row, ...NEVER_SEEN })]));
    },

    async put(asker, devices) {
      let written = 0;
      for (let done = 0; done < devices.length; ) {
        // SQLite holds up the whole process: logins come first.
        await letOthersGo();
        const size = ROWS_AT_ONCE.find((rows) => rows <= devices.length - done) ?? 1;
        const parameters = devices.slice(done, done + size).flatMap(parametersOf);
        const { numAffectedRows } = await asker.executeQuery({ ...put(size), parameters });
        written += Number(numAffectedRows ?? 0);
        done += size;
      }
      return written;
    },

    async forgetActivity(asker, deviceKeys) {
      await askFor(asker, deviceKeys, forgetActivity);
    },
  };
}

function compiledOnce<Row>(compile: (size: number) => CompiledQuery<Row>): (size: number) => CompiledQuery<Row> {
  const compiled = new Map<number, CompiledQuery<Row>>();
  return (size) => {
    const query = compiled.get(size) ?? compile(size);
    compiled.set(size, query);
    return query;
  };
}

function placeholders(size: number): readonly string[] {
  return Array.from({ length: size }, () => "");
}

/** The rows of all the names, in the order of the names' own. */
async function askFor<Row>(
  asker: Asker,
  names: readonly string[],
  statement: (size: number) => CompiledQuery<Row>,
): Promise<readonly Row[]> {
  const sorted = [...names].sort();
  const found: Row[] = [];
  for (let done = 0; done < sorted.length; ) {
    const size = NAMES_AT_ONCE.find((most) => most >= sorted.length - done) ?? Math.max(...NAMES_AT_ONCE);
    const asked = sorted.slice(done, done + size);
    const parameters = [...asked, ...Array.from({ length: size - asked.length }, () => asked.at(-1) ?? "")];
    found.push(...(await asker.executeQuery<Row>({ ...statement(size), parameters })).rows);
    done += size;
  }
  return found;
}

/** Over a device of another revision, or one that was deleted and enrolled again, nothing is written. */
function compilePut(db: Kysely<Schema>, size: number): CompiledQuery {
  const replaced = DEVICE_COLUMNS.filter((column) => column !== "device_key" && column !== "created_at");
  return db
    .insertInto("devices")
    .columns(DEVICE_COLUMNS)
    .values(Array.from({ length: size }, () => PLACEHOLDERS))
    .onConflict((conflict) =>
      conflict
        .column("device_key")
        .doUpdateSet(({ ref }) => Object.fromEntries(replaced.map((column) => [column, ref(`excluded.${column}`)])))
        .whereRef("devices.created_at", "=", "excluded.created_at")
        .where(sql<boolean>`devices.revision = excluded.revision - 1`),
    )
    .compile();
}

const PLACEHOLDERS: DeviceRow = {
  device_key: "",
  customer_id: "",
  display_name: "",
  status: "",
  key_mode: "",
  key_mode_since: 0,
  shared_identity: 0,
  replay_guard: 0,
  labels: "",
  accepts_shared: 0,
  tokens_not_before: 0,
  created_at: 0,
  updated_at: 0,
  revision: 0,
};

/** In the order of the statement's. */
function parametersOf(device: VersionedDevice): (string | number)[] {
  const row: DeviceRow = {
    ...rowOfDevice(device),
    created_at: device.createdAt,
    updated_at: device.updatedAt,
    revision: device.revision,
  };
  return DEVICE_COLUMNS.map((column) => row[column]);
}

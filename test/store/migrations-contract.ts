// The contract of migrations on every database: nothing is lost, older gateways still work, failed steps are rolled back.

import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { describe, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate, STEPS } from "../../src/store/migrations.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore, type Store } from "../../src/store/sql.ts";
import { addCustomer, addDevice } from "../contracts/store-samples.ts";
import type { Empty } from "./connections.ts";

/** Migrates a database, and enrols a customer with a device. */
async function fill(database: Database): Promise<Store> {
  await migrate(database);
  const store = createStore(database, createSealer([Buffer.alloc(32, 1)]));
  await addCustomer(store);
  await addDevice(store);
  return store;
}

/** The rows, without the decoy. */
async function read({ db }: Database): Promise<{ readonly customers: object[]; readonly devices: object[] }> {
  return {
    customers: await db.selectFrom("customers").where("customer_id", "<>", "").selectAll().execute(),
    devices: await db.selectFrom("devices").where("device_key", "<>", "").selectAll().execute(),
  };
}

export function migrationsContract(name: string, open: () => Promise<Empty>): void {
  /** The steps of a gateway that is newer than this one. */
  const newer = ({ dialect }: Database, step: Migration): Parameters<typeof migrate>[1] => ({
    ...STEPS(dialect),
    "0999_newer": step,
  });
  const addColumn: Migration = {
    up: (db) => db.schema.alterTable("devices").addColumn("colour", "text").execute(),
  };
  const withColumn = (devices: readonly object[]) => devices.map((device) => ({ ...device, colour: null }));
  const tablesOf = async ({ db }: Database): Promise<readonly string[]> =>
    (await db.introspection.getTables()).map((table) => table.name);

  describe(`migrations of ${name}`, () => {
    test("change nothing at the next start", async () => {
      const database = await (await open()).connect();
      await fill(database);
      const before = await read(database);
      await migrate(database);
      expect(await read(database)).toEqual(before);
      expect([before.customers.length, before.devices.length]).toEqual([1, 1]);
    });

    test("an older gateway works while a newer one migrates, and restarts on the newer schema", async () => {
      const empty = await open();
      const [older, other] = [await empty.connect(), await empty.connect()];
      await fill(older);
      const { devices } = await read(older);
      // Often enough that the driver prepares the statement and caches its columns.
      for (let time = 0; time < 10; time++) await read(older);
      await migrate(other, newer(other, addColumn));
      expect((await read(older)).devices).toEqual(withColumn(devices));
      await older.db.updateTable("devices").set({ status: "disabled" }).where("device_key", "=", "device-1").execute();
      const again = await empty.connect();
      await migrate(again);
      expect((await read(again)).devices).toMatchObject([{ status: "disabled" }]);
    });

    test("a failed step changes nothing, and succeeds once it is corrected", async () => {
      const database = await (await open()).connect();
      await fill(database);
      const [tables, { devices }] = [await tablesOf(database), await read(database)];
      const broken: Migration = {
        async up(db) {
          await db.schema.createTable("half").addColumn("id", "integer").execute();
          throw new Error("the step is broken");
        },
      };
      await expect(migrate(database, newer(database, broken))).rejects.toThrow("the step is broken");
      expect(await tablesOf(database)).toEqual(tables);
      await migrate(database, newer(database, addColumn));
      expect((await read(database)).devices).toEqual(withColumn(devices));
    });

    test("several gateways that migrate at once run each step once", async () => {
      const empty = await open();
      const databases = await Promise.all(Array.from({ length: 4 }, () => empty.connect()));
      await Promise.all(databases.map((database) => migrate(database)));
      for (const { db } of databases) {
        const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
        expect(rows.map((row) => row.name)).toEqual(Object.keys(STEPS("sqlite")));
      }
    });

    test("names sort by their bytes", async () => {
      const database = await (await open()).connect();
      const store = await fill(database);
      const names = ["a", "B", "_", "~", "a b", "é", "Z", "1"];
      for (const deviceKey of names) await addDevice(store, { deviceKey });
      const rows = await database.db.selectFrom("devices").select("device_key").orderBy("device_key").execute();
      const sorted = ["", "device-1", ...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(rows.map(({ device_key }) => device_key)).toEqual(sorted);
    });
  });
}

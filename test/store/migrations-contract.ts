// The contract of migrations: nothing is lost, and older gateways still work.

import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { describe, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate, STEPS } from "../../src/store/migrations.ts";
import { DECOY } from "../../src/store/schema.ts";
import { createSealer } from "../../src/store/sealing.ts";
import { createStore } from "../../src/store/sql.ts";
import { addCustomer, addDevice } from "../contracts/store-samples.ts";
import type { Empty } from "./database.ts";

/** The names of devices, among them the decoy's. */
const NAMES = [DECOY, "1", "B", "Z", "_", "a", "a b", "~", "é"];

/** Migrates a database, and enrols devices. */
async function fill(database: Database): Promise<void> {
  await migrate(database);
  const store = createStore(database, createSealer([Buffer.alloc(32, 1)]));
  await addCustomer(store);
  for (const deviceKey of NAMES.slice(1).reverse()) await addDevice(store, { deviceKey });
}

const readDevices = ({ db }: Database) => db.selectFrom("devices").selectAll().orderBy("device_key").execute();

/** The steps of a gateway that is newer than this one. */
const newer = ({ dialect }: Database, step: Migration) => ({ ...STEPS(dialect), "0999_newer": step });
const addColumn: Migration = {
  up: (db) => db.schema.alterTable("devices").addColumn("colour", "text").execute(),
};

export function migrationsContract(name: string, open: () => Promise<Empty>): void {
  describe(`migrations of ${name}`, () => {
    test("an older gateway works while a newer one migrates, and restarts on the newer schema", async () => {
      const { connect } = await open();
      const [older, other] = [await connect(), await connect()];
      await fill(older);
      const devices = await readDevices(older);
      // The names sort by their bytes.
      expect(devices.map(({ device_key }) => device_key)).toEqual(NAMES);
      // Often enough that the driver prepares the statement and caches its columns.
      for (let time = 0; time < 10; time++) await readDevices(older);
      await migrate(other, newer(other, addColumn));
      expect(await readDevices(older)).toEqual(devices.map((device) => ({ ...device, colour: null })));
      await older.db.updateTable("devices").set({ status: "disabled" }).where("device_key", "=", "a").execute();
      const again = await connect();
      await migrate(again);
      const disabled = (await readDevices(again)).filter(({ status }) => status === "disabled");
      expect(disabled.map(({ device_key }) => device_key)).toEqual([DECOY, "a"]);
    });

    test("a failed step changes nothing, and succeeds once it is corrected", async () => {
      const database = await (await open()).connect();
      await fill(database);
      const tables = await database.db.introspection.getTables();
      const broken: Migration = {
        async up(db) {
          await db.schema.createTable("half").addColumn("id", "integer").execute();
          throw new Error("the step is broken");
        },
      };
      await expect(migrate(database, newer(database, broken))).rejects.toThrow("the step is broken");
      expect(await database.db.introspection.getTables()).toEqual(tables);
      await migrate(database, newer(database, addColumn));
      expect(await readDevices(database)).toHaveLength(NAMES.length);
    });

    test("several gateways that migrate at once run each step once", async () => {
      const { connect } = await open();
      const databases = await Promise.all(Array.from({ length: 4 }, connect));
      await Promise.all(databases.map((database) => migrate(database)));
      for (const { db } of databases) {
        const { rows } = await sql<{ name: string }>`select name from kysely_migration`.execute(db);
        expect(rows.map((row) => row.name)).toEqual(Object.keys(STEPS("sqlite")));
      }
    });

    test.for(["active", "next"])("the schema refuses a second %s signing key", async (state) => {
      const database = await (await open()).connect();
      await migrate(database);
      const insert = (kid: string): Promise<unknown> =>
        sql`insert into signing_keys (kid, alg, state, sealed_private_key, public_jwk, created_at)
          values (${kid}, 'ES256', ${state}, ${Buffer.from("")}, '{}', 0)`.execute(database.db);
      await insert("first");
      await expect(insert("second")).rejects.toThrow(/unique constraint/i);
    });
  });
}

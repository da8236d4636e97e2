// The contract of migrations on every database: nothing is lost, older gateways still work, failed steps are rolled back.

import { sql } from "kysely";
import type { Migration } from "kysely/migration";
import { describe, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate, STEPS } from "../../src/store/migrations.ts";
import type { Empty } from "./connections.ts";

const NOW = 1_764_000_000_000;

const VERSION = { created_at: NOW, updated_at: NOW, revision: 1 };
const CUSTOMER = {
  customer_id: "c1",
  display_name: "One",
  status: "enabled",
  login_limit: "",
  keys_version: "v1",
  tokens_not_before: 0,
  ...VERSION,
};
const DEVICE = {
  device_key: "d1",
  customer_id: "c1",
  display_name: "Pump",
  status: "enabled",
  key_mode: "derived",
  key_mode_since: NOW,
  accepts_shared: 0,
  shared_identity: 0,
  replay_guard: 1,
  labels: "{}",
  public_key: "",
  tokens_not_before: 0,
  ...VERSION,
};

async function fill({ db }: Database): Promise<void> {
  await db.insertInto("customers").values(CUSTOMER).execute();
  await db.insertInto("devices").values(DEVICE).execute();
}

/** The rows, without the decoy. */
async function read({ db }: Database): Promise<unknown> {
  return [
    ...(await db.selectFrom("customers").where("customer_id", "<>", "").selectAll().execute()),
    ...(await db.selectFrom("devices").where("device_key", "<>", "").selectAll().execute()),
  ];
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
  const tablesOf = async ({ db }: Database): Promise<readonly string[]> =>
    (await db.introspection.getTables()).map((table) => table.name);

  describe(`migrations of ${name}`, () => {
    test("creates the schema in an empty database, and changes nothing at the next start", async () => {
      const database = await (await open()).connect();
      await migrate(database);
      await fill(database);
      await migrate(database);
      expect(await read(database)).toEqual([CUSTOMER, DEVICE]);
    });

    test("an older gateway works while a newer one migrates, and restarts on the newer schema", async () => {
      const empty = await open();
      const [older, other] = [await empty.connect(), await empty.connect()];
      await migrate(older);
      await fill(older);
      // Often enough that the driver prepares the statement and caches its columns.
      for (let time = 0; time < 10; time++) await read(older);
      await migrate(other, newer(other, addColumn));
      expect(await older.db.selectFrom("devices").selectAll().where("device_key", "=", "d1").execute()).toEqual([
        { ...DEVICE, colour: null },
      ]);
      await older.db.updateTable("devices").set({ status: "disabled" }).where("device_key", "=", "d1").execute();
      const again = await empty.connect();
      await migrate(again);
      expect(await again.db.selectFrom("devices").select("status").where("device_key", "=", "d1").execute()).toEqual([
        { status: "disabled" },
      ]);
    });

    test("a failed step changes nothing, and succeeds once it is corrected", async () => {
      const empty = await open();
      const database = await empty.connect();
      await migrate(database);
      await fill(database);
      const before = await tablesOf(database);
      const broken: Migration = {
        async up(db) {
          await db.schema.createTable("half").addColumn("id", "integer").execute();
          throw new Error("the step is broken");
        },
      };
      await expect(migrate(database, newer(database, broken))).rejects.toThrow("the step is broken");
      expect(await tablesOf(database)).toEqual(before);
      await migrate(database, newer(database, addColumn));
      const rows = await database.db.selectFrom("devices").selectAll().where("device_key", "=", "d1").execute();
      expect(rows).toEqual([{ ...DEVICE, colour: null }]);
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
      const { db, ...database } = await (await open()).connect();
      await migrate({ db, ...database });
      await fill({ db, ...database });
      const names = ["a", "B", "_", "~", "a b", "é", "Z", "1"];
      for (const device_key of names)
        await db
          .insertInto("devices")
          .values({ ...DEVICE, device_key })
          .execute();
      const rows = await db.selectFrom("devices").select("device_key").orderBy("device_key").execute();
      const sorted = ["", "d1", ...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(rows.map(({ device_key }) => device_key)).toEqual(sorted);
    });
  });
}

// What migrations owe on every database, as one suite: nothing is lost, older gateways go on, failures leave nothing.

import { sql } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import { describe, expect, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate, STEPS } from "../../src/store/migrations.ts";
import type { Empty } from "./connections.ts";

const NOW = 1_764_000_000_000;

/** Rows as a gateway of the first release writes them. */
const FIRST_ROWS = [
  `insert into customers (customer_id, display_name, status, created_at) values ('c1', 'One', 'enabled', ${NOW})`,
  `insert into customer_keys (key_id, customer_id, purpose, sealed_secret, not_before, expires_at, created_at)
   values ('k1', 'c1', 'login', $bytes, ${NOW}, null, ${NOW})`,
  `insert into devices
   (device_key, customer_id, display_name, status, key_mode, shared_identity, replay_guard, created_at)
   values ('d1', 'c1', 'Pump', 'enabled', 'derived', 0, 1, ${NOW})`,
  `insert into signing_keys (kid, alg, state, sealed_private_key, public_jwk, created_at)
   values ('s1', 'RS256', 'active', $bytes, '{}', ${NOW})`,
];
const BYTES = { sqlite: "x'00ff0a'", postgres: "'\\x00ff0a'::bytea" };

/** What those rows are once the database is up to date, the decoys left out. */
async function read({ db }: Database): Promise<unknown> {
  const [customer, key, device, signingKey] = await Promise.all([
    db.selectFrom("customers").where("customer_id", "<>", "").selectAll().execute(),
    db.selectFrom("customer_keys").where("key_id", "<>", "").selectAll().execute(),
    db.selectFrom("devices").where("device_key", "<>", "").selectAll().execute(),
    db.selectFrom("signing_keys").selectAll().execute(),
  ]);
  return { customer, key, device, signingKey };
}

const sealed = (value: Uint8Array): boolean => Buffer.from(value).equals(Buffer.from([0, 255, 10]));
const ROWS = {
  customer: [
    {
      customer_id: "c1",
      display_name: "One",
      status: "enabled",
      login_limit: "",
      tokens_not_before: 0,
      created_at: NOW,
      updated_at: 0,
      revision: 1,
    },
  ],
  key: [
    {
      key_id: "k1",
      customer_id: "c1",
      purpose: "login",
      sealed_secret: expect.toSatisfy(sealed),
      not_before: NOW,
      expires_at: null,
      created_at: NOW,
      retired_at: null,
      lost_at: null,
    },
  ],
  device: [
    {
      device_key: "d1",
      customer_id: "c1",
      display_name: "Pump",
      status: "enabled",
      key_mode: "derived",
      shared_identity: 0,
      replay_guard: 1,
      labels: "{}",
      accepts_shared: 0,
      key_mode_since: 0,
      tokens_not_before: 0,
      created_at: NOW,
      updated_at: 0,
      revision: 1,
    },
  ],
  signingKey: [
    {
      kid: "s1",
      alg: "RS256",
      state: "active",
      sealed_private_key: expect.toSatisfy(sealed),
      public_jwk: "{}",
      created_at: NOW,
      imported_at: null,
      activated_at: null,
      retired_at: null,
      published_until: null,
      rotate_at: null,
      token_life_ms: 0,
    },
  ],
};

export interface MigrationsContract {
  readonly open: () => Promise<Empty>;
  /** Brings an empty database to where the first release left it. */
  readonly bringToFirst: (empty: Empty) => Promise<void>;
}

export function migrationsContract(name: string, { open, bringToFirst }: MigrationsContract): void {
  const fill = async ({ db, dialect }: Database): Promise<void> => {
    for (const statement of FIRST_ROWS) {
      await sql.raw(statement.replace("$bytes", BYTES[dialect])).execute(db);
    }
  };
  /** The steps of a gateway that is newer than this one. */
  const newer = ({ dialect }: Database, step: Migration): Parameters<typeof migrate>[1] => {
    const { first, later } = STEPS(dialect);
    return { first, later: { ...later, "0999_newer": step } };
  };
  const addColumn: Migration = {
    up: (db) => db.schema.alterTable("devices").addColumn("colour", "text").execute(),
  };
  /** But for those in which steps are noted. */
  const tablesOf = async ({ db }: Database): Promise<readonly string[]> =>
    (await db.introspection.getTables()).map((table) => table.name).filter((table) => !/^schema_steps/.test(table));

  describe(`migrations of ${name}`, () => {
    test("an empty database is made, and is left as it is the next time", async () => {
      const database = await (await open()).connect();
      await migrate(database);
      await fill(database);
      await migrate(database);
      expect(await read(database)).toEqual(ROWS);
    });

    test("a database of the first release keeps all it had", async () => {
      const empty = await open();
      await bringToFirst(empty);
      const database = await empty.connect();
      await fill(database);
      await migrate(database);
      expect(await read(database)).toEqual(ROWS);
    });

    test("a gateway of the first release writes and starts on it still", async () => {
      const database = await (await open()).connect();
      await migrate(database);
      await fill(database);
      expect(await read(database)).toEqual(ROWS);
      const { first } = STEPS(database.dialect);
      const old = new Migrator({ db: database.db, provider: { getMigrations: async () => ({ ...first }) } });
      expect(await old.migrateToLatest()).toEqual({ results: [] });
    });

    test("an older gateway goes on while a newer one brings the schema further, and starts on it afterwards", async () => {
      const empty = await open();
      const [older, other] = [await empty.connect(), await empty.connect()];
      await migrate(older);
      await fill(older);
      // As often as it takes a driver to keep a statement, and its columns, prepared.
      for (let time = 0; time < 10; time++) await read(older);
      await migrate(other, newer(other, addColumn));
      const { device } = ROWS;
      expect(await older.db.selectFrom("devices").selectAll().where("device_key", "=", "d1").execute()).toEqual([
        { ...device[0], colour: null },
      ]);
      await older.db.updateTable("devices").set({ status: "disabled" }).where("device_key", "=", "d1").execute();
      const again = await empty.connect();
      await migrate(again);
      expect(await again.db.selectFrom("devices").select("status").where("device_key", "=", "d1").execute()).toEqual([
        { status: "disabled" },
      ]);
    });

    test("a step that fails leaves nothing half done, and what was there before; mended, it goes through", async () => {
      const empty = await open();
      await bringToFirst(empty);
      const database = await empty.connect();
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
      expect(rows).toEqual([{ ...ROWS.device[0], colour: null }]);
    });

    test("several gateways at once make one history", async () => {
      const empty = await open();
      const databases = await Promise.all(Array.from({ length: 4 }, () => empty.connect()));
      await Promise.all(databases.map((database) => migrate(database)));
      for (const { db } of databases) {
        const { rows } = await sql<{ name: string }>`select name from schema_steps`.execute(db);
        expect(rows.map((row) => row.name)).toEqual(Object.keys(STEPS("sqlite").later));
      }
    });

    test("names sort by their bytes", async () => {
      const { db, ...database } = await (await open()).connect();
      await migrate({ db, ...database });
      await fill({ db, ...database });
      const names = ["a", "B", "_", "~", "a b", "é", "Z", "1"];
      for (const device_key of names) {
        await sql`insert into devices
          (device_key, customer_id, display_name, status, key_mode, shared_identity, replay_guard, created_at)
          values (${device_key}, 'c1', '', 'enabled', 'shared', 0, 0, 0)`.execute(db);
      }
      const rows = await db.selectFrom("devices").select("device_key").orderBy("device_key").execute();
      const sorted = ["", "d1", ...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect(rows.map(({ device_key }) => device_key)).toEqual(sorted);
    });
  });
}

// The migrations of PostgreSQL, and who waits for whom meanwhile.

import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate, STEPS } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { monotonicNow } from "../../src/telemetry/clock.ts";
import { emptyPostgres, execute } from "./connections.ts";
import { migrationsContract } from "./migrations-contract.ts";

migrationsContract("PostgreSQL", () => emptyPostgres());

test("schemas of one database have a registry each", async () => {
  const { url } = await emptyPostgres();
  await execute(url, "create schema one; create schema two");
  const open = async (schema: string): Promise<Database> => {
    const database = await openPostgres({ elapsed: monotonicNow, url: `${url}?options=-c%20search_path%3D${schema}` });
    onTestFinished(() => database.close());
    return database;
  };
  for (const schema of ["one", "two", "public"]) {
    const database = await open(schema);
    await migrate(database);
    await migrate(database);
    const { rows } = await sql<{ devices: number }>`
      select count(*) as devices from ${sql.table(`${schema}.devices`)}`.execute(database.db);
    // The decoy.
    expect(rows).toEqual([{ devices: 1 }]);
  }
});

test("logins go on while a step waits for a transaction that is in its way, and the step is done after it", async () => {
  const { connect } = await emptyPostgres();
  const [database, other] = [await connect(), await connect()];
  await migrate(database);

  const began = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const inTheWay = other.write(async (transaction) => {
    await transaction.selectFrom("devices").select("device_key").execute();
    began.resolve();
    await ended.promise;
  });
  await began.promise;
  const migrated = migrate(database, {
    ...STEPS("postgres"),
    "0999_newer": { up: (db) => db.schema.alterTable("devices").addColumn("colour", "text").execute() },
  });
  const waits = sql<{ waits: number }>`select count(*) as waits from pg_locks
    where not granted and locktype = 'relation' and database = (select oid from pg_database where datname = current_database())`;
  while (!((await waits.execute(other.db)).rows[0]?.waits ?? 0));

  const login = (): Promise<unknown> => other.db.selectFrom("devices").select("device_key").limit(1).execute();
  await login();
  ended.resolve();
  await Promise.all([inTheWay, migrated]);
  expect(await database.db.selectFrom("devices").selectAll().execute()).toMatchObject([{ colour: null }]);
});

// The statements that PostgreSQL is sent: which stay prepared, and with what plans.

import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { openPostgres, type PostgresOptions } from "../../src/store/postgres.ts";
import { monotonicNow } from "../../src/telemetry/clock.ts";
import { emptyPostgres } from "./connections.ts";

async function open(options: Omit<PostgresOptions, "elapsed">): Promise<Database> {
  const database = await openPostgres({ elapsed: monotonicNow, ...options });
  onTestFinished(() => database.close());
  return database;
}

describe("statements", () => {
  const prepared = async (database: Database): Promise<readonly string[]> => {
    const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(
      database.db,
    );
    return rows.map(({ statement }) => statement);
  };

  test("stay prepared where they come with parameters, and the same for all", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url, readers: 1 });
    for (const value of [1, 2, 3]) await sql`select ${value}::integer as kept`.execute(database.db);
    await sql`select 4 as passing`.execute(database.db);
    expect(await prepared(database)).toEqual(["select $1::integer as kept"]);
  });

  test("that are made of data, or of what a schema may add to, do not", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url, readers: 1 });
    const long = sql.join(Array.from({ length: 1_000 }, (_, place) => sql`${place}::integer`));
    await sql`select array[${long}]`.execute(database.db);
    await sql`select * from generate_series(1, ${2}::integer)`.execute(database.db);
    expect(await prepared(database)).toEqual([]);
  });

  test("keep a plan that is right for a fleet, though it was made while there were two devices", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url, readers: 1 });
    const run = (text: string): Promise<{ rows: unknown[] }> => sql.raw(text).execute(database.db);
    await run("create table fleet (device_key text primary key); insert into fleet values ('a'), ('b')");
    await run("vacuum analyze fleet");
    await run("prepare find (text) as select device_key from fleet where device_key = $1");
    await run("set plan_cache_mode = force_generic_plan");
    const { rows } = await run("explain execute find('a')");
    expect(JSON.stringify(rows)).toContain("Index Only Scan");
  });

  test("keep it beside options that the URL has", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url: `${url}?options=-c%20search_path%3Done` });
    const { rows } = await sql`select current_setting('enable_seqscan') as seqscan,
      current_setting('search_path') as path`.execute(database.db);
    expect(rows).toEqual([{ seqscan: "off", path: "one" }]);
  });

  test("are kept to a bound", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url, readers: 1 });
    for (let place = 0; place < 300; place++) {
      await sql`select ${place}::integer as ${sql.ref(`column_${place}`)}`.execute(database.db);
    }
    expect((await prepared(database)).length).toBeLessThanOrEqual(100);
  });
});

// The plans of prepared statements on PostgreSQL.

import { sql } from "kysely";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { openPostgres, type PostgresOptions } from "../../src/store/postgres.ts";
import { emptyPostgres } from "./connections.ts";

async function open(options: PostgresOptions): Promise<Database> {
  const database = await openPostgres(options);
  onTestFinished(() => database.close());
  return database;
}

describe("statements", () => {
  test("keep the plan for a large fleet, though the table had two devices when it was made", async () => {
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

  test("keep the plan with options in the URL", async () => {
    const { url } = await emptyPostgres();
    const database = await open({ url: `${url}?options=-c%20search_path%3Done` });
    const { rows } = await sql`select current_setting('enable_seqscan') as seqscan,
      current_setting('search_path') as path`.execute(database.db);
    expect(rows).toEqual([{ seqscan: "off", path: "one" }]);
  });
});

// The migrations of PostgreSQL, and the first start of several processes on one empty database.

import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import type { Database } from "../../src/store/database.ts";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { emptyPostgres, execute } from "./connections.ts";
import { migrationsContract } from "./migrations-contract.ts";
import { firstStartContract } from "./start-together.ts";

migrationsContract("PostgreSQL", () => emptyPostgres());
firstStartContract(async () => (await emptyPostgres()).url);

test("schemas of one database have a registry each", async () => {
  const { url } = await emptyPostgres();
  await execute(url, "create schema one; create schema two");
  const open = async (schema: string): Promise<Database> => {
    const database = await openPostgres({ url: `${url}?options=-c%20search_path%3D${schema}` });
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

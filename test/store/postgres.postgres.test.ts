// PostgreSQL against the contracts of a store, and a schema for each registry.

import { sql } from "kysely";
import { expect, onTestFinished, test } from "vitest";
import { migrate } from "../../src/store/migrations.ts";
import { openPostgres } from "../../src/store/postgres.ts";
import { storeContract } from "../contracts/store.ts";
import { secretsContract } from "../contracts/store-secrets.ts";
import { emptyPostgres, execute, openPostgresDatabase } from "./database.ts";
import { migrationsContract } from "./migrations-contract.ts";

storeContract("PostgreSQL", openPostgresDatabase);
secretsContract("PostgreSQL", openPostgresDatabase);
migrationsContract("PostgreSQL", () => emptyPostgres());

test("schemas of one database have a registry each", async () => {
  const { url } = await emptyPostgres();
  await execute(url, "create schema one; create schema two");
  for (const schema of ["one", "two", "public"]) {
    const database = await openPostgres({ url: `${url}?options=-c%20search_path%3D${schema}` });
    onTestFinished(() => database.close());
    await migrate(database);
    await migrate(database);
    const { rows } = await sql<{ devices: number }>`
      select count(*) as devices from ${sql.table(`${schema}.devices`)}`.execute(database.db);
    // The decoy.
    expect(rows).toEqual([{ devices: 1 }]);
  }
});

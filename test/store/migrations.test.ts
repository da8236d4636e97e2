// The migrations of SQLite.

import { readFileSync } from "node:fs";
import { sql } from "kysely";
import { emptySqlite } from "./connections.ts";
import { migrationsContract } from "./migrations-contract.ts";

const RELEASE = readFileSync(new URL("release-0.1.0.sql", import.meta.url), "utf8");

migrationsContract("SQLite", {
  open: async () => emptySqlite(),
  async bringToFirst({ connect }) {
    const { db } = await connect();
    for (const statement of RELEASE.replace(/^--.*$/gm, "").split(";\n")) {
      if (statement.trim() !== "") await sql.raw(statement).execute(db);
    }
  },
});

// The migrations of SQLite.

import { emptySqlite } from "./connections.ts";
import { migrationsContract } from "./migrations-contract.ts";

migrationsContract("SQLite", async () => emptySqlite());

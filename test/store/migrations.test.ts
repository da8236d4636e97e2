// The migrations of SQLite, and the first start of several processes on one empty folder.

import { emptySqlite } from "./connections.ts";
import { migrationsContract } from "./migrations-contract.ts";
import { firstStartContract } from "./start-together.ts";

migrationsContract("SQLite", async () => emptySqlite());
firstStartContract(async () => emptySqlite().path);

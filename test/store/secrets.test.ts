// The secrets of SQLite against their contract.

import { lostSecretsContract } from "../contracts/store-lost-secrets.ts";
import { resealingContract } from "../contracts/store-resealing.ts";
import { emptySqlite } from "./connections.ts";

resealingContract("SQLite", async () => emptySqlite());
lostSecretsContract("SQLite", async () => emptySqlite());

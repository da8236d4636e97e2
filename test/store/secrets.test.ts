// The secrets of SQLite against their contract.

import { secretsContract } from "../contracts/store-secrets.ts";
import { emptySqlite } from "./connections.ts";

secretsContract("SQLite", async () => emptySqlite());

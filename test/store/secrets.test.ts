// The secrets of SQLite against their contract.

import { secretStoreContract } from "../contracts/store-secrets.ts";
import { emptySqlite } from "./connections.ts";

secretStoreContract("SQLite", async () => emptySqlite());

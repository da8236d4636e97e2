// The secrets of PostgreSQL against their contract.

import { secretStoreContract } from "../contracts/store-secrets.ts";
import { emptyPostgres } from "./connections.ts";

secretStoreContract("PostgreSQL", () => emptyPostgres());

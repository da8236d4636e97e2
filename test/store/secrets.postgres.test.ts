// The secrets of PostgreSQL against their contract.

import { secretsContract } from "../contracts/store-secrets.ts";
import { emptyPostgres } from "./connections.ts";

secretsContract("PostgreSQL", () => emptyPostgres());

// The secrets of PostgreSQL against their contract.

import { secretsContract } from "../contracts/store-secrets.ts";
import { openPostgresDatabase } from "./database.ts";

secretsContract("PostgreSQL", openPostgresDatabase);

// PostgreSQL against the contract of a store.

import { storeContract } from "../contracts/store.ts";
import { openPostgresDatabase } from "./database.ts";
import { sealedRowsContract } from "./sealed-rows.ts";

storeContract("PostgreSQL", openPostgresDatabase);
sealedRowsContract("PostgreSQL", openPostgresDatabase);

// PostgreSQL against the contract of a store.

import { vi } from "vitest";
import { storeContract } from "../contracts/store.ts";
import { openPostgresDatabase } from "./database.ts";
import { sealedRowsContract } from "./sealed-rows.ts";

vi.setConfig({ testTimeout: 30_000 });

storeContract("PostgreSQL", openPostgresDatabase);
sealedRowsContract("PostgreSQL", openPostgresDatabase);

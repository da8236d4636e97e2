// Changing the master key of gateways on PostgreSQL fails no login.

import { test } from "vitest";
import { changeMasterKey } from "./master-keys-story.ts";
import { temporaryFolder } from "./program.ts";
import { emptyPostgres } from "./store/connections.ts";

test("no step of changing the master key refuses a login", async () => {
  await changeMasterKey({ DATA_DIR: temporaryFolder(), DATABASE_URL: (await emptyPostgres()).url });
});

// Changing the master key of gateways on SQLite fails no login.

import { test } from "vitest";
import { changeMasterKey } from "./master-keys-story.ts";
import { temporaryFolder } from "./program.ts";

test("no step of changing the master key refuses a login", async () => {
  await changeMasterKey({ DATA_DIR: temporaryFolder() });
});

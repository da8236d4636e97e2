// Several processes that start at once on one empty folder.

import { test } from "vitest";
import { emptySqlite } from "./connections.ts";
import { startTogether } from "./start-together.ts";

test.for([1, 2])("eight processes agree on one signing key: round %s", { timeout: 60_000 }, async () => {
  await startTogether(emptySqlite().path);
});

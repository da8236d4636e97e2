// Several processes that start at once on one empty database of PostgreSQL.

import { test } from "vitest";
import { emptyPostgres } from "./connections.ts";
import { startTogether } from "./start-together.ts";

test.for([1, 2])("eight processes agree on one signing key: round %s", { timeout: 60_000 }, async () => {
  await startTogether((await emptyPostgres()).url);
});

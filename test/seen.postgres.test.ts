// Changes at one gateway count from the next login or check at another one on the same PostgreSQL.

import { expect, test } from "vitest";
import { countStale } from "./seen/seen.ts";
import { emptyPostgres } from "./store/connections.ts";

test("no answer is stale on PostgreSQL", async () => {
  const { url } = await emptyPostgres();
  const seen = await countStale({ DATABASE_URL: url }, 5);
  expect(seen.filter(({ stale }) => stale > 0)).toEqual([]);
});

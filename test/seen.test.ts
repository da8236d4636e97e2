// Changes at one gateway count from the next login or check at another one on the same file.

import { expect, test } from "vitest";
import { temporaryFolder } from "./program.ts";
import { countStale } from "./seen/seen.ts";

test("no answer is stale on SQLite", async () => {
  const seen = await countStale({ DATA_DIR: temporaryFolder() }, 5);
  expect(seen.filter(({ stale }) => stale > 0)).toEqual([]);
});

// Changes that one gateway made are acted on by another on the same file, each kind of them.

import { expect, test } from "vitest";
import { temporaryFolder } from "./program.ts";
import { measureSeen } from "./seen/seen.ts";

test("every kind of change is seen by another gateway on the same file", async () => {
  expect(await measureSeen({ DATA_DIR: temporaryFolder() })).toHaveLength(8);
});

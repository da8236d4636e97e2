// Changes that one gateway made are acted on by another on the same file, each kind of them.

import { expect, test } from "vitest";
import { temporaryFolder } from "./program.ts";
import { measureSeen } from "./seen/seen.ts";
import { measureTokensSeen } from "./seen/seen-tokens.ts";

test("every kind of change is seen by another gateway on the same file", async () => {
  expect(await measureSeen({ DATA_DIR: temporaryFolder() })).toHaveLength(8);
});

test("tokens that are taken back in any way are refused by another gateway on the same file", async () => {
  expect(await measureTokensSeen({ DATA_DIR: temporaryFolder(), TOKEN_ALG: "ES256" })).toHaveLength(7);
});

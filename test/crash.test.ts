// A short `npm run crash`: after kill -9 during writes no acknowledged change is lost and nothing is corrupt.

import { expect, test } from "vitest";
import { runCrashes } from "./crash/crash.ts";
import { temporaryFolder } from "./program.ts";

test("SQLite keeps what was acknowledged, through 3 kill -9 of the gateway", async () => {
  const { acknowledged, wrong } = await runCrashes({ kills: 3, settings: { DATA_DIR: temporaryFolder() } });
  expect(wrong).toEqual([]);
  expect(acknowledged).toBeGreaterThan(20);
});

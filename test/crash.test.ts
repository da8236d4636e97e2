// kill -9 in the middle of writes, in short: nothing that was acknowledged is lost, and nothing is corrupt.

import { expect, test } from "vitest";
import { runCrashes } from "./crash/crash.ts";

test("SQLite keeps what was acknowledged, through 3 kill -9 of the gateway", { timeout: 60_000 }, async () => {
  const { acknowledged, wrong } = await runCrashes({ kills: 3 });
  expect(wrong).toEqual([]);
  expect(acknowledged).toBeGreaterThan(20);
});

// Short versions of the long runs, on SQLite.

import { expect, test } from "vitest";
import { temporaryFolder } from "../program.ts";
import { runCrashes } from "./crash.ts";
import { rotateSigningKeys } from "./key-rotations.ts";
import { defineShortRuns } from "./short-runs.ts";

defineShortRuns(async () => ({}));

test("SQLite keeps what was acknowledged, through 3 kill -9 of the gateway", async () => {
  expect((await runCrashes(3, { DATA_DIR: temporaryFolder() })).mistakes).toEqual([]);
});

test("keys rotate at three gateways on one file, and no token fails at an offline verifier", async () => {
  const settings = { DATA_DIR: temporaryFolder(), TOKEN_ALG: "ES256" };
  expect((await rotateSigningKeys(2, 20, settings)).mistakes).toEqual([]);
});

// Short versions of the long runs, on SQLite.

import { expect, test } from "vitest";
import { runCrashes } from "./crash/crash.ts";
import { runRotations } from "./keyring/rotations.ts";
import { temporaryFolder } from "./program.ts";
import { defineShortRuns } from "./short-runs.ts";

defineShortRuns(async () => ({}));

test("SQLite keeps what was acknowledged, through 3 kill -9 of the gateway", async () => {
  const { acknowledged, wrong } = await runCrashes({ kills: 3, settings: { DATA_DIR: temporaryFolder() } });
  expect(wrong).toEqual([]);
  expect(acknowledged).toBeGreaterThan(20);
});

test("keys rotate at three gateways on one file, and no token fails at an offline verifier", async () => {
  const settings = { DATA_DIR: temporaryFolder(), TOKEN_ALG: "ES256" };
  const report = await runRotations({ rotations: 2, rate: 20, settings });
  expect(report).toMatchObject({ rotations: 2, failed: [] });
  expect(report.tokens).toBeGreaterThan(50);
  expect(report.checks).toBeGreaterThan(2 * report.tokens);
});

// A short `npm run key-rotations`: every check of a token succeeds while signing keys rotate.

import { expect, test } from "vitest";
import { runRotations } from "./keyring/rotations.ts";
import { temporaryFolder } from "./program.ts";

test("keys rotate at three gateways on one file, and no token fails at an offline verifier", async () => {
  const settings = { DATA_DIR: temporaryFolder(), TOKEN_ALG: "ES256" };
  const report = await runRotations({ rotations: 2, rate: 20, settings });
  expect(report).toMatchObject({ rotations: 2, failed: [] });
  expect(report.tokens).toBeGreaterThan(50);
  expect(report.checks).toBeGreaterThan(2 * report.tokens);
});

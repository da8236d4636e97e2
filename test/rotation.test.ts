// A short `npm run rotation`: no login is refused.

import { expect, test } from "vitest";
import { temporaryFolder } from "./program.ts";
import { runRotation } from "./rotation/rotation.ts";

test("a login key is replaced at two gateways on one file, and no login is refused", async () => {
  const settings = { DATA_DIR: temporaryFolder() };
  const report = await runRotation({ devices: 20, rate: 100, loginsBetween: 4, settings });
  expect(report).toEqual({
    logins: expect.any(Number),
    refused: [],
    stopped: { before: 20, after: 0 },
    moved: 20,
    isOldKeyRefused: true,
  });
  expect(report.logins).toBeGreaterThan(200);
});

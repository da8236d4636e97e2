// A short `npm run stranger`: a stranger's wrong proofs from other addresses do not affect a device.

import { expect, inject, test } from "vitest";
import { meetStranger, renderStranger } from "./stranger.ts";

test("a device keeps its login budget while a stranger attacks its name", async () => {
  const report = await meetStranger({ redisUrl: inject("redisUrl") ?? "", seconds: 1.5, rate: 1_000 });
  process.stdout.write(`${renderStranger(report)}\n`);
  expect(report.victim.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(report.after).toMatchObject({ status: 429, reason: "rate_limited", policy: "login" });
  // Each of its addresses stays within its limit here.
  expect(report.stranger).toEqual({ "401 invalid_credentials failure": expect.any(Number) });
  expect(report.stranger["401 invalid_credentials failure"]).toBeGreaterThanOrEqual(1_000);
});

// The short version of `npm run chaos`: each fault once.

import { expect, test } from "vitest";
import { runChaos } from "./chaos.ts";

test("no fault of Redis, PostgreSQL, keys or a gateway brings a wrong answer or a crash", async () => {
  const { faults, logins, mistakes, crashes } = await runChaos({ logins: 500, everySeconds: 1, faults: 7, rate: 100 });
  expect({ faults: new Set(faults).size, mistakes, crashes }).toEqual({ faults: 7, mistakes: [], crashes: 0 });
  expect(logins).toBeGreaterThanOrEqual(500);
});

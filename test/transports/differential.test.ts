// The short of `npm run differential`: some hundred random logins, and no difference between any two protocols.

import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Differential, openDifferential, plans } from "./differential.ts";

let differential: Differential;
beforeAll(async () => {
  differential = await openDifferential();
});
afterAll(() => differential.close());

test("random logins get the same answer through every protocol and listener", { timeout: 60_000 }, async () => {
  expect(differential.ways.length).toBeGreaterThan(14);
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      expect(await differential.compare(plan)).toBeUndefined();
    }),
    { numRuns: 120, endOnFailure: true },
  );
});

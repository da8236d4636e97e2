// The short form of `npm run differential`.

import fc from "fast-check";
import { expect, test } from "vitest";
import { openDifferential, plans } from "./differential.ts";
import { openFrameDifferential, rawCalls } from "./frame-differential.ts";

test("random logins get the same answer in every protocol, on both listeners and from the oracles", async () => {
  const differential = await openDifferential();
  expect(differential.ways.length).toBeGreaterThan(20);
  await fc.assert(
    fc.asyncProperty(plans, async (plan) => {
      expect(await differential.compare(plan)).toBeUndefined();
    }),
    { numRuns: 30, endOnFailure: true },
  );
  await differential.close();
});

test("raw calls and the oracles agree on everything that specifications fix", async () => {
  const differential = await openFrameDifferential();
  await fc.assert(
    fc.asyncProperty(rawCalls, async (call) => {
      expect(await differential.compare(call)).toBeUndefined();
    }),
    { numRuns: 150, endOnFailure: true },
  );
  await differential.close();
});

// The short form of `npm run differential`.

import { expect, test } from "vitest";
import { assertAlike, openDifferential } from "./differential.ts";
import { openFrameDifferential } from "./frame-differential.ts";

test("random logins get the same answer in every protocol, on both listeners and from the oracles", async () => {
  const outcomes = new Set<string>();
  const logins = await openDifferential((outcome) => void outcomes.add(outcome));
  expect(logins.ways).toBeGreaterThan(20);
  await assertAlike(logins, { numRuns: 30 });
  expect(outcomes.size).toBeGreaterThan(2);
  await logins.close();
});

test("raw calls and the oracles agree on everything that specifications fix", async () => {
  const calls = await openFrameDifferential();
  await assertAlike(calls, { numRuns: 150 });
  await calls.close();
});

// A short `npm run soak`, which only checks that it measures: a slope needs half an hour.

import { expect, test } from "vitest";
import { runSoak } from "./soak.ts";

test("measures a gateway's memory after garbage collections, under load", async () => {
  const { samples, counts } = await runSoak(4, 1);
  expect(samples.length).toBeGreaterThanOrEqual(3);
  for (const mebibytes of samples) expect(mebibytes).toBeGreaterThan(5);
  expect([...counts.keys()]).toContain("right 200");
});

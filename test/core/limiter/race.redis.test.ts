// A short `npm run race`: concurrent processes on the keys of one Redis; planted mistakes are found.

import { expect, inject, test } from "vitest";
import { checkDecisions, race } from "./race.ts";

test.for([
  { keys: 1, limit: 10, windowMs: 20 },
  { keys: 10, limit: 10, windowMs: 60 },
  { keys: 1, limit: 300, windowMs: 512 },
])("two processes decide as one window of $limit would, over $keys keys", async ({ keys, limit, windowMs }) => {
  const redisUrl = inject("redisUrl") ?? "";
  const report = await race({ redisUrl, processes: 2, decisions: 2_000, inFlight: 64, keys, limit, windowMs });
  expect(report).toMatchObject({ decisions: 2_000, overAdmissions: 0, falseDenials: 0 });
  // The limit was reached; otherwise the race would prove nothing.
  expect(report.admitted).toBeLessThan(report.decisions);
});

test("one admission too many, and a denial too early, are found", () => {
  const at = [0, 10, 20, 100, 110, 119, 205];
  const isAdmitted = [true, true, true, true, true, true, false];
  const list = { key: at.map(() => 0), at, isAdmitted };
  // In any order: the lists of several processes are joined.
  const reversed = { key: list.key, at: at.toReversed(), isAdmitted: isAdmitted.toReversed() };
  for (const one of [list, reversed]) {
    expect(checkDecisions([one], 3, 100)).toMatchObject({ overAdmissions: 1, falseDenials: 1 });
  }
  expect(checkDecisions([list], 3, 99)).toMatchObject({ overAdmissions: 0, falseDenials: 1 });
  expect(checkDecisions([list], 2, 99)).toMatchObject({ overAdmissions: 4, falseDenials: 0 });
});

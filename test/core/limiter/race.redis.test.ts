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
  expect(checkDecisions([list], 3, 100)).toMatchObject({ overAdmissions: 1, falseDenials: 1 });
  expect(checkDecisions([list], 3, 99)).toMatchObject({ overAdmissions: 0, falseDenials: 1 });
  expect(checkDecisions([list], 2, 99)).toMatchObject({ overAdmissions: 4, falseDenials: 0 });
  // The check finds them in every division among processes.
  const parts = [0, 1].map((part) => {
    const isOwn = (_: unknown, index: number): boolean => index % 2 === part;
    return { key: list.key.filter(isOwn), at: at.filter(isOwn), isAdmitted: isAdmitted.filter(isOwn) };
  });
  expect(checkDecisions(parts, 3, 100)).toMatchObject({ overAdmissions: 1, falseDenials: 1 });
});

// A short `npm run race`: concurrent processes on the keys of one Redis.

import { expect, inject, test } from "vitest";
import { race } from "./race.ts";

test.for([
  { keys: 1, limit: 10, windowMs: 20 },
  { keys: 10, limit: 10, windowMs: 60 },
  { keys: 1, limit: 300, windowMs: 512 },
])("two processes decide as one window of $limit would, over $keys keys", async ({ keys, limit, windowMs }) => {
  const policy = { name: "login", limit, windowMs } as const;
  const report = await race({ redisUrl: inject("redisUrl") ?? "", processes: 2, decisions: 2_000, keys, policy });
  expect(report).toMatchObject({ decisions: 2_000, overAdmissions: 0, falseDenials: 0 });
  // The limit was reached; otherwise the race would prove nothing.
  expect(report.admitted).toBeLessThan(report.decisions);
});

// The short of `npm run race`: processes at once on the keys of one Redis, and that one admission too many is found out.

import { expect, inject, test } from "vitest";
import { isFair, race, renderRace } from "./race.ts";
import { checkSliding } from "./race-check.ts";
import type { RacePolicies } from "./race-plan.ts";

const short = { redisUrl: inject("redisUrl") ?? "", processes: 2, decisions: 2_000, inFlight: 64, windowMs: 20 };

test.for([1, 10])("two processes admit no more than one may, over %i keys", { timeout: 60_000 }, async (keys) => {
  const report = await race({ ...short, keys });
  process.stdout.write(`race over ${keys} keys: ${renderRace(report)}\n`);
  expect(report).toMatchObject({ decisions: 2_000, overAdmissions: 0, falseDenials: 0, wrongTimes: 0 });
  expect(report.closestMicros).toBeLessThan(Number.POSITIVE_INFINITY);
});

test.for([
  // A key each, and as many decisions as it takes to spend the limit.
  { policy: "endless", decisions: 2_000 },
  { policy: "wide", decisions: 4_000 },
  { policy: "sliding", decisions: 2_000 },
] as const)("one admission too many by the $policy policy is found out", { timeout: 60_000 }, async (planted) => {
  const { policy, decisions } = planted;
  const plant = (policies: RacePolicies): RacePolicies => ({
    ...policies,
    [policy]: { ...policies[policy], limit: policies[policy].limit + 1 },
  });
  // A window that the start alone fills.
  const report = await race({ ...short, keys: 1, decisions, windowMs: 1_000, plant });
  process.stdout.write(`one too many planted in the ${policy} policy: ${renderRace(report)}\n`);
  expect(report.overAdmissions).toBeGreaterThan(0);
  expect(isFair(report)).toBe(false);
});

test("an admission is too many if and only if the window that it ends holds the limit already", () => {
  const at = [0, 10, 20, 100, 110, 119];
  const list = { key: at.map(() => 0), at, from: at, to: at };
  expect(checkSliding([list], 3, 100)).toEqual({ over: 1, wrongTimes: 0, closest: -1 });
  expect(checkSliding([list], 3, 99)).toEqual({ over: 0, wrongTimes: 0, closest: 0 });
  // Whichever process it came from.
  const parts = [0, 1].map((part) => {
    const own = at.filter((_, place) => place % 2 === part);
    return { key: own.map(() => 0), at: own, from: own, to: own };
  });
  expect(checkSliding(parts, 3, 100).over).toBe(1);
  expect(checkSliding([{ ...list, to: [-1, ...at.slice(1)] }], 3, 100).wrongTimes).toBe(1);
});

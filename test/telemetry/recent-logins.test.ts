// The logins of the last hour, by outcome.

import { expect, test } from "vitest";
import { createRecentLogins } from "../../src/telemetry/recent-logins.ts";

const NOW = 1_764_000_000_000;
const HOUR = 3_600_000;

function open() {
  const clock = { now: NOW };
  const recent = createRecentLogins(() => clock.now);
  /** The intervals with logins of an outcome: how many there are, and when each interval began. */
  const seen = (outcome: string) => {
    const { startedAt, intervalMs, byOutcome } = recent.read();
    return (byOutcome.get(outcome) ?? []).flatMap((count, place) =>
      count === 0 ? [] : [[count, startedAt + place * intervalMs - NOW]],
    );
  };
  return { clock, recent, seen };
}

test("logins are counted by outcome, once their interval is over", () => {
  const { clock, recent, seen } = open();
  for (const outcome of ["ok", "ok", "rate_limited"]) recent.count(outcome);
  expect(seen("ok")).toEqual([]);
  clock.now += 5_000;
  expect([seen("ok"), seen("rate_limited")]).toEqual([[[2, 0]], [[1, 0]]]);
});

test("counts are kept for an hour", () => {
  const { clock, recent, seen } = open();
  recent.count("ok");
  clock.now += HOUR;
  expect(seen("ok")).toEqual([[1, 0]]);
  recent.count("ok");
  clock.now += 5_000;
  expect(seen("ok")).toEqual([[1, HOUR]]);
  clock.now += 3 * HOUR;
  expect(seen("ok")).toEqual([]);
  expect(recent.read().byOutcome.get("ok")).toHaveLength(720);
});

test("after a backward clock step logins count in the newest interval", () => {
  const { clock, recent, seen } = open();
  clock.now += 10_000;
  recent.count("ok");
  clock.now = NOW;
  recent.count("ok");
  clock.now = NOW + 15_000;
  expect(seen("ok")).toEqual([[2, 10_000]]);
});

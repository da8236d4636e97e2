// The logins of the last hour, by outcome.

import { expect, test } from "vitest";
import { rateLimited } from "../../src/core/refusals.ts";
import { createRecentLogins } from "../../src/telemetry/recent-logins.ts";

const NOW = 1_764_000_000_000;
const HOUR = 3_600_000;

function open() {
  const clock = { now: NOW };
  const recent = createRecentLogins(() => clock.now);
  const policy = { name: "login", limit: 1, windowMs: 1 } as const;
  const logIn = recent.watch(async (outcome: "ok" | "limit" | "bug", _from: undefined) => {
    if (outcome === "limit") throw rateLimited({ policy, remaining: 0, resetMs: 1, decidedAt: NOW });
    if (outcome === "bug") throw new TypeError("a bug");
    return outcome;
  });
  /** The intervals with logins of an outcome, by how many there are and when each began. */
  const seen = (outcome: string) => {
    const { startedAt, intervalMs, byOutcome } = recent.read();
    return (byOutcome.get(outcome) ?? []).flatMap((count, place) =>
      count === 0 ? [] : [[count, startedAt + place * intervalMs - NOW]],
    );
  };
  return { clock, recent, logIn, seen };
}

test("logins are counted by outcome, once their interval is over", async () => {
  const { clock, logIn, seen } = open();
  expect(await logIn("ok", undefined)).toBe("ok");
  await logIn("ok", undefined);
  await expect(logIn("limit", undefined)).rejects.toMatchObject({ reason: "rate_limited" });
  await expect(logIn("bug", undefined)).rejects.toThrow("a bug");
  expect(seen("ok")).toEqual([]);
  clock.now += 5_000;
  expect([seen("ok"), seen("rate_limited"), seen("internal")]).toEqual([[[2, 0]], [[1, 0]], [[1, 0]]]);
});

test("they are there for an hour, and no longer, whether or not there are others", async () => {
  const { clock, recent, logIn, seen } = open();
  await logIn("ok", undefined);
  clock.now += HOUR;
  expect(seen("ok")).toEqual([[1, 0]]);
  await logIn("ok", undefined);
  clock.now += 5_000;
  expect(seen("ok")).toEqual([[1, HOUR]]);
  clock.now += 3 * HOUR;
  expect(seen("ok")).toEqual([]);
  expect(recent.read().byOutcome.get("ok")).toHaveLength(720);
});

test("a clock that steps backward counts on in the newest interval", async () => {
  const { clock, logIn, seen } = open();
  clock.now += 10_000;
  await logIn("ok", undefined);
  clock.now = NOW;
  await logIn("ok", undefined);
  clock.now = NOW + 15_000;
  expect(seen("ok")).toEqual([[2, 10_000]]);
});

// The overview counts the last hour's logins, also without the database.

import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { expect, test } from "vitest";
import { OverviewSchema, PartState } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthError } from "../../src/core/errors.ts";
import { createOverview, type OverviewParts } from "../../src/services/overview.ts";

const NOW = 1_764_000_000_000;
const HOUR = 3_600_000;
const COUNTS = { devices: 2, disabled: 1, seenLastHour: 1, seenLastDay: 1, failing: 0 };

function open(parts: Partial<OverviewParts> = {}) {
  const clock = { now: NOW };
  const fleet = { summarize: async () => ({ ...COUNTS, countedAt: clock.now }) };
  const checkParts = async () => ({});
  const overview = createOverview({ fleet, checkParts, version: "1.2.3", now: () => clock.now, ...parts });
  /** The intervals with logins of an outcome: how many there are, and when each interval began. */
  const seen = async (outcome: string) => {
    const { loginsStartTime, intervalSeconds, logins } = create(OverviewSchema, await overview.read());
    const startedAt = loginsStartTime === undefined ? 0 : timestampDate(loginsStartTime).getTime();
    const counts = logins.find((one) => one.outcome === outcome)?.counts ?? [];
    return counts.flatMap((count, at) =>
      count === 0 ? [] : [[count, startedAt + at * intervalSeconds * 1_000 - NOW]],
    );
  };
  return { clock, overview, seen };
}

test("logins are counted by outcome, from the end of their interval on, for an hour", async () => {
  const { clock, overview, seen } = open();
  for (const outcome of ["ok", "ok", "rate_limited"]) overview.count(outcome);
  expect(await seen("ok")).toEqual([]);
  clock.now += 5_000;
  expect([await seen("ok"), await seen("rate_limited")]).toEqual([[[2, 0]], [[1, 0]]]);
  clock.now = NOW + HOUR;
  expect(await seen("ok")).toEqual([[2, 0]]);
  overview.count("ok");
  clock.now += 5_000;
  expect(await seen("ok")).toEqual([[1, HOUR]]);
  clock.now += 3 * HOUR;
  expect(await seen("ok")).toEqual([]);
  expect((await overview.read()).logins?.[0]?.counts).toHaveLength(720);
});

test("after a backward clock step logins count in the newest interval", async () => {
  const { clock, overview, seen } = open();
  clock.now += 10_000;
  overview.count("ok");
  clock.now = NOW;
  overview.count("ok");
  clock.now = NOW + 15_000;
  expect(await seen("ok")).toEqual([[2, 10_000]]);
});

test("the overview has the fleet and the parts, and without the database all but the fleet", async () => {
  const { read } = open().overview;
  expect(await read()).toMatchObject({ fleet: COUNTS, limits: PartState.OK, store: PartState.OK, version: "1.2.3" });
  const summarize = () => Promise.reject(new AuthError("unavailable", "planted"));
  const away = await open({ fleet: { summarize } }).overview.read();
  expect([away.fleet, away.store]).toEqual([undefined, PartState.OK]);
  const checkParts = async () => ({ store: "unavailable", limits: "degraded" }) as const;
  const known = await open({ checkParts }).overview.read();
  expect([known.fleet, known.store, known.limits]).toEqual([undefined, PartState.UNAVAILABLE, PartState.DEGRADED]);
});

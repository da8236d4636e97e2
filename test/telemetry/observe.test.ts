// Metrics and log lines of observers, and the logins of the last hour by outcome.

import pino from "pino";
import { expect, test } from "vitest";
import { AuthError } from "../../src/core/errors.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { createObserver } from "../../src/telemetry/observe.ts";
import { createRecentLogins } from "../../src/telemetry/recent-logins.ts";

const CALLER = { address: "192.0.2.1", requestId: "r", protocol: "rest" };

function open() {
  const log: string[] = [];
  const clock = { now: 0 };
  const recentLogins = createRecentLogins(() => clock.now);
  const metrics = createMetrics("1.2.3");
  const logger = pino({}, { write: (line: string) => void log.push(line) });
  const observer = createObserver({ logger, metrics, recentLogins, elapsed: () => 0 });
  return { log, clock, recentLogins, metrics, observer };
}

test("countersign_faults_total counts faults, internal errors and uncaught errors, and no other error", async () => {
  const { metrics, observer } = open();
  const count = async () => (await metrics.render()).body.match(/^countersign_faults_total (\d+)$/m)?.[1];
  expect(await count()).toBe("0");
  observer.refused(new AuthError("not_found", "no"), CALLER);
  expect(await count()).toBe("0");
  observer.fault(new Error("planted"));
  observer.refused(new AuthError("internal", "planted"), CALLER);
  observer.uncaught(new Error("planted"));
  expect(await count()).toBe("3");
});

test("countersign_build_info has the version", async () => {
  const { body } = await open().metrics.render();
  expect(body).toContain('countersign_build_info{version="1.2.3"} 1\n');
});

test("a login that was refused before its shape was checked is counted, and logs no device_key of another shape", async () => {
  const { log, clock, recentLogins, observer } = open();
  const overloaded = new AuthError("unavailable", "too many logins are under way");
  const logIn = observer.observeLogIn(() => Promise.reject(overloaded));
  for (const deviceKey of ["STRANGER\u001b[31m", "x".repeat(97), "pump-7"]) {
    const request = { deviceKey, timestamp: 1n, deviceSignature: "00" };
    await expect(logIn(request, CALLER)).rejects.toBe(overloaded);
  }
  expect(log.join("").match(/"device_key":"[^"]*"/g)).toEqual(['"device_key":"pump-7"']);
  clock.now = 5_000;
  expect(recentLogins.read().byOutcome.get("unavailable")?.at(-1)).toBe(3);
});

test("a bug in a login is counted as internal", async () => {
  const { clock, recentLogins, observer } = open();
  const logIn = observer.observeLogIn(() => Promise.reject(new TypeError("a bug")));
  const request = { deviceKey: "pump-7", timestamp: 1n, deviceSignature: "00" };
  await expect(logIn(request, CALLER)).rejects.toThrow("a bug");
  clock.now = 5_000;
  expect(recentLogins.read().byOutcome.get("internal")?.at(-1)).toBe(1);
});

const NOW = 1_764_000_000_000;
const HOUR = 3_600_000;

function openRecent() {
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
  const { clock, recent, seen } = openRecent();
  for (const outcome of ["ok", "ok", "rate_limited"]) recent.count(outcome);
  expect(seen("ok")).toEqual([]);
  clock.now += 5_000;
  expect([seen("ok"), seen("rate_limited")]).toEqual([[[2, 0]], [[1, 0]]]);
});

test("counts are kept for an hour", () => {
  const { clock, recent, seen } = openRecent();
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
  const { clock, recent, seen } = openRecent();
  clock.now += 10_000;
  recent.count("ok");
  clock.now = NOW;
  recent.count("ok");
  clock.now = NOW + 15_000;
  expect(seen("ok")).toEqual([[2, 10_000]]);
});

// Outages of the database: their start and end, and the notifications.

import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createOutage } from "../../src/store/outage.ts";
import { caughtError } from "../core/caught-error.ts";

/** An outage whose probes succeed, unless `probe` is told otherwise. */
function open() {
  const events: string[] = [];
  const probe = vi.fn(async () => {});
  const outage = createOutage({
    probe,
    listener: {
      away: (access, cause) => events.push(`${access} away: ${String(cause)}`),
      back: (access) => events.push(`${access} back`),
    },
  });
  onTestFinished(() => outage.close());
  return { ...outage, events, probe };
}

test("from the first failure until a probe succeeds look-ups fail at once; the log has the start and the end", async () => {
  const { check, lookUpFailed, events } = open();
  check();
  lookUpFailed("cut");
  lookUpFailed("cut again");
  expect(caughtError(check).reason).toBe("unavailable");
  await turn();
  check();
  expect(events).toEqual(["read away: cut", "read back"]);
});

test("a failed read other than a look-up is an outage only if a probe fails too", async () => {
  const { check, readFailed, events, probe } = open();
  readFailed("a slow list");
  await turn();
  check();
  probe.mockRejectedValue(new Error("cut"));
  readFailed("cut");
  await turn();
  expect(events).toEqual(["read away: cut"]);
});

test("a failed write does not affect reads, and the outage of writes ends with the next successful write", async () => {
  const { check, writeFailed, wrote, canWrite, events } = open();
  for (const cause of ["disk full", "disk full"]) writeFailed(cause);
  await turn();
  check();
  expect(canWrite()).toBe(false);
  wrote();
  wrote();
  expect(canWrite()).toBe(true);
  expect(events).toEqual(["write away: disk full", "write back"]);
});

test("a failed write begins an outage of reads if the database does not answer", async () => {
  const { writeFailed, canWrite, events, probe } = open();
  probe.mockRejectedValue(new Error("cut"));
  writeFailed("cut");
  await turn();
  writeFailed("cut");
  expect([events, canWrite()]).toEqual([["read away: cut"], true]);
});

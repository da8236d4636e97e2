// Outages of the database: their start, end and notifications. Look-ups on PostgreSQL: one query for concurrent ones, and their bounds.

import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createOutage } from "../../src/store/outage.ts";
import { createLookUps, type LookUpOptions } from "../../src/store/postgres/look-ups.ts";
import { caughtError, caughtErrorOf } from "../core/caught-error.ts";

/** An outage whose probes succeed, unless `probe` is told otherwise. */
function openOutage() {
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
  const { check, lookUpFailed, events } = openOutage();
  check();
  lookUpFailed("cut");
  lookUpFailed("cut again");
  expect(caughtError(check).reason).toBe("unavailable");
  await turn();
  check();
  expect(events).toEqual(["read away: cut", "read back"]);
});

test("a failed read other than a look-up is an outage only if a probe fails too", async () => {
  const { check, readFailed, events, probe } = openOutage();
  readFailed("a slow list");
  await turn();
  check();
  probe.mockRejectedValue(new Error("cut"));
  readFailed("cut");
  await turn();
  expect(events).toEqual(["read away: cut"]);
});

test("a failed write does not affect reads, and the outage of writes ends with the next successful write", async () => {
  const { check, writeFailed, wrote, canWrite, events } = openOutage();
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
  const { writeFailed, canWrite, events, probe } = openOutage();
  probe.mockRejectedValue(new Error("cut"));
  writeFailed("cut");
  await turn();
  writeFailed("cut");
  expect([events, canWrite()]).toEqual([["read away: cut"], true]);
});

/** Look-ups whose queries are answered once `answer` is called. */
function openLookUps(options: Partial<LookUpOptions> = {}) {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const query = vi.fn(async (names: readonly string[]) => {
    await answered;
    return names.map((name) => `the answer to ${name}`);
  });
  const lookUpFailed = vi.fn();
  const lookUps = createLookUps({ outage: { lookUpFailed }, ...options });
  return { ...lookUps, find: lookUps.batch(query), query, answer, lookUpFailed };
}

test("look-ups in one turn of the event loop are one query, and each gets its own answer", async () => {
  const { find, query, answer } = openLookUps();
  const found = ["a", "b", "a"].map(find);
  answer();
  expect(await Promise.all(found)).toEqual(["the answer to a", "the answer to b", "the answer to a"]);
  expect(query.mock.calls).toEqual([[["a", "b", "a"]]]);
});

test("a failed query fails each of its look-ups", async () => {
  const find = openLookUps().batch(() => Promise.reject(new Error("away")));
  for (const found of await Promise.allSettled([find("a"), find("b")])) {
    expect(found).toMatchObject({ status: "rejected", reason: { message: "away" } });
  }
});

test("a look-up that is not answered in time is unavailable, and an outage begins", async () => {
  const { find, lookUpFailed } = openLookUps({ answerMs: 5 });
  expect((await caughtErrorOf(find("a"))).reason).toBe("unavailable");
  expect(lookUpFailed.mock.calls).toEqual([[new Error("no answer within 5 ms")]]);
});

test("the queue of look-ups is bounded", async () => {
  const { find, answer } = openLookUps({ mostWaiting: 2 });
  const waiting = [find("a"), find("b")];
  expect(await caughtErrorOf(find("c"))).toMatchObject({ reason: "unavailable", message: /overloaded/ });
  answer();
  await Promise.all(waiting);
});

test("an outage fails waiting look-ups at once", async () => {
  const { find, rejectQueued, query } = openLookUps();
  const found = find("a");
  rejectQueued();
  expect((await caughtErrorOf(found)).reason).toBe("unavailable");
  await turn();
  expect(query).not.toHaveBeenCalled();
});

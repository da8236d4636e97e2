// Retries, outages and bounded look-ups when the database is busy or away.

import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test, vi } from "vitest";
import { createTurns, retryWhile } from "../../src/store/busy.ts";
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

const BUSY = new Error("busy");
const BROKEN = new Error("broken");
const isBusy = (error: unknown): boolean => error === BUSY;

test("waits for a lock that is held for a while", async () => {
  const act = vi.fn(async () => "done");
  for (let times = 0; times < 3; times++) act.mockRejectedValueOnce(BUSY);
  expect(await retryWhile(isBusy, act)).toBe("done");
  expect(act).toHaveBeenCalledTimes(4);
});

test("the time of each try counts towards the deadline", async () => {
  const slow = vi.fn(() => pause(60).then(() => Promise.reject(BUSY)));
  await expect(retryWhile(isBusy, slow, 100)).rejects.toBe(BUSY);
  // Six tries would fit if only the pauses counted.
  expect(slow.mock.calls.length).toBeLessThanOrEqual(2);
});

test("any other error is thrown at once", async () => {
  const act = vi.fn(() => Promise.reject(BROKEN));
  await expect(retryWhile(isBusy, act)).rejects.toBe(BROKEN);
  expect(act).toHaveBeenCalledTimes(1);
});

test("turns run in order, the event loop runs between retries, and an error fails its own turn only", async () => {
  const inTurn = createTurns(isBusy);
  const order: string[] = [];
  const failing = (name: string, error: Error) => async (): Promise<never> => {
    order.push(name);
    // Runs in another turn of the event loop, before the next try if there is a pause.
    setImmediate(() => order.push(`after ${name}`));
    throw error;
  };
  const turns = [inTurn(failing("one", BUSY)), inTurn(failing("two", BUSY)), inTurn(failing("three", BROKEN))];
  const outcomes = await Promise.allSettled([...turns, inTurn(async () => order.push("four"))]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected", "fulfilled"]);
  expect(order).toEqual(["one", "after one", "two", "after two", "three", "four"]);
});

// Look-ups on PostgreSQL: one query for concurrent ones, the deadline, the bound, and outages.

import { setImmediate as turn } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { createLookUps, type LookUpOptions } from "../../src/store/postgres/look-ups.ts";
import { caughtErrorOf } from "../core/caught-error.ts";

/** Look-ups whose queries are answered once `answer` is called. */
function open(options: Partial<LookUpOptions> = {}) {
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
  const { find, query, answer } = open();
  const found = ["a", "b", "a"].map(find);
  answer();
  expect(await Promise.all(found)).toEqual(["the answer to a", "the answer to b", "the answer to a"]);
  expect(query.mock.calls).toEqual([[["a", "b", "a"]]]);
});

test("a failed query fails each of its look-ups", async () => {
  const find = open().batch(() => Promise.reject(new Error("away")));
  for (const found of await Promise.allSettled([find("a"), find("b")])) {
    expect(found).toMatchObject({ status: "rejected", reason: { message: "away" } });
  }
});

test("a look-up that is not answered in time is unavailable, and an outage begins", async () => {
  const { find, lookUpFailed } = open({ answerMs: 5 });
  expect((await caughtErrorOf(find("a"))).reason).toBe("unavailable");
  expect(lookUpFailed.mock.calls).toEqual([[new Error("no answer within 5 ms")]]);
});

test("the queue of look-ups is bounded", async () => {
  const { find, answer } = open({ mostWaiting: 2 });
  const waiting = [find("a"), find("b")];
  expect(await caughtErrorOf(find("c"))).toMatchObject({ reason: "unavailable", message: /overloaded/ });
  answer();
  await Promise.all(waiting);
});

test("an outage fails waiting look-ups at once", async () => {
  const { find, rejectQueued, query } = open();
  const found = find("a");
  rejectQueued();
  expect((await caughtErrorOf(found)).reason).toBe("unavailable");
  await turn();
  expect(query).not.toHaveBeenCalled();
});

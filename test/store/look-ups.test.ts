// Look-ups on PostgreSQL: one query for concurrent ones, the deadline, the bound, and outages.

import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createLookUps, type LookUpOptions } from "../../src/store/postgres/look-ups.ts";
import { caughtErrorOf } from "../core/caught-error.ts";

function open(options: Partial<LookUpOptions> = {}) {
  const batches: (readonly string[])[] = [];
  const gates: (() => void)[] = [];
  const failures: string[] = [];
  const lookUps = createLookUps({
    outage: { lookUpFailed: (cause) => failures.push(String(cause)) },
    ...options,
  });
  const find = lookUps.batch(async (names: readonly string[]) => {
    batches.push(names);
    await new Promise<void>((resolve) => gates.push(resolve));
    return names.map((name) => `the answer to ${name}`);
  });
  /** Answers every query that was sent. */
  const answer = (): void => {
    for (const gate of gates.splice(0)) gate();
  };
  return { ...lookUps, find, batches, failures, answer };
}

test("look-ups in one turn of the event loop are one query, and each gets its own answer", async () => {
  const { find, batches, answer } = open();
  const found = ["a", "b", "a"].map(find);
  await turn();
  await turn();
  answer();
  expect(await Promise.all(found)).toEqual(["the answer to a", "the answer to b", "the answer to a"]);
  expect(batches).toEqual([["a", "b", "a"]]);
});

test("a failed query fails each of its look-ups", async () => {
  const find = createLookUps({ outage: { lookUpFailed() {} } }).batch(() => Promise.reject(new Error("away")));
  for (const found of await Promise.allSettled([find("a"), find("b")])) {
    expect(found).toMatchObject({ status: "rejected", reason: { message: "away" } });
  }
});

test("a look-up that is not answered in time is unavailable, and an outage begins", async () => {
  const { find, failures } = open({ answerMs: 5 });
  expect((await caughtErrorOf(find("a"))).reason).toBe("unavailable");
  expect(failures).toEqual(["Error: no answer within 5 ms"]);
});

test("the queue of look-ups is bounded", async () => {
  const { find, answer } = open({ mostWaiting: 2 });
  const waiting = [find("a"), find("b")];
  expect(await caughtErrorOf(find("c"))).toMatchObject({ reason: "unavailable", message: /overloaded/ });
  await turn();
  await turn();
  answer();
  await Promise.all(waiting);
});

test("an outage fails waiting look-ups at once", async () => {
  const { find, rejectQueued, batches } = open();
  const found = find("a");
  rejectQueued();
  expect((await caughtErrorOf(found)).reason).toBe("unavailable");
  await turn();
  expect(batches).toEqual([]);
});

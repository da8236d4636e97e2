// The breaker: one attempt at a time, one word for each change, and no timer that outlives it.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Breaker, createBreaker } from "../../../src/core/limiter/breaker.ts";

const EVERY = 250;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Attempt {
  readonly done: () => void;
  readonly end: (error?: Error) => Promise<void>;
}

function open(): { breaker: Breaker; attempts: Attempt[]; heard: string[] } {
  const attempts: Attempt[] = [];
  const heard: string[] = [];
  const breaker = createBreaker<string>({
    everyMs: EVERY,
    recover: (done) =>
      new Promise((resolve, reject) => {
        attempts.push({
          done: () => done("well"),
          async end(error) {
            if (error === undefined) resolve();
            else reject(error);
            await vi.advanceTimersByTimeAsync(0);
          },
        });
      }),
    onAway: ({ message }) => heard.push(`away: ${message}`),
    onStillAway: (error) => heard.push(`still: ${error instanceof Error ? error.message : ""}`),
    onBack: (result) => heard.push(`back: ${result}`),
  });
  return { breaker, attempts, heard };
}

test("opens at a failure, tries at intervals, and closes when it is told to", async () => {
  const { breaker, attempts, heard } = open();
  breaker.trip(new Error("one"));
  breaker.trip(new Error("two"));
  await vi.advanceTimersByTimeAsync(EVERY - 1);
  expect(attempts).toHaveLength(0);
  await vi.advanceTimersByTimeAsync(1);
  await attempts[0]?.end(new Error("not yet"));
  await vi.advanceTimersByTimeAsync(EVERY);
  attempts[1]?.done();
  expect(breaker.away()).toBe(false);
  await attempts[1]?.end();
  expect(heard).toEqual(["away: one", "still: not yet", "back: well"]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a failure while an attempt is under way makes it vain, and no second one runs beside it", async () => {
  const { breaker, attempts, heard } = open();
  breaker.trip(new Error("one"));
  await vi.advanceTimersByTimeAsync(EVERY);
  breaker.trip(new Error("two"));
  attempts[0]?.done();
  expect(breaker.away()).toBe(true);
  await vi.advanceTimersByTimeAsync(4 * EVERY);
  expect(attempts).toHaveLength(1);
  await attempts[0]?.end();
  await vi.advanceTimersByTimeAsync(EVERY);
  expect(attempts).toHaveLength(2);
  expect(heard).toEqual(["away: one"]);
});

test("what fails after it was told to close opens it again, with one attempt at a time", async () => {
  const { breaker, attempts, heard } = open();
  breaker.trip(new Error("one"));
  await vi.advanceTimersByTimeAsync(EVERY);
  attempts[0]?.done();
  breaker.trip(new Error("two"));
  await vi.advanceTimersByTimeAsync(4 * EVERY);
  expect(attempts).toHaveLength(1);
  await attempts[0]?.end(new Error("the last word was lost"));
  await vi.advanceTimersByTimeAsync(EVERY);
  attempts[1]?.done();
  await attempts[1]?.end();
  await vi.advanceTimersByTimeAsync(4 * EVERY);
  expect(attempts).toHaveLength(2);
  expect(heard).toEqual(["away: one", "back: well", "away: two", "still: the last word was lost", "back: well"]);
});

test("an answer that comes late has it tried at once, and no more often than once an interval", async () => {
  const { breaker, attempts } = open();
  breaker.trip(new Error("one"));
  for (let turn = 0; turn < 3; turn++) {
    breaker.retry();
    await vi.advanceTimersByTimeAsync(1);
  }
  expect(attempts).toHaveLength(1);
  attempts[0]?.done();
  await attempts[0]?.end();
  breaker.trip(new Error("again"));
  breaker.retry();
  await vi.advanceTimersByTimeAsync(1);
  expect(attempts).toHaveLength(1);
});

test("nothing is tried, told or left over once it is closed", async () => {
  const { breaker, attempts, heard } = open();
  breaker.trip(new Error("one"));
  await vi.advanceTimersByTimeAsync(EVERY);
  breaker.close();
  await attempts[0]?.end(new Error("too late"));
  breaker.trip(new Error("two"));
  breaker.retry();
  expect(vi.getTimerCount()).toBe(0);
  expect(heard).toEqual(["away: one"]);
});

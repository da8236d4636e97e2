// Deadlines of calls: a result in time is returned, a late call rejects.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDeadline, type Within } from "../../src/core/deadline.ts";

let within: Within;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
  within = createDeadline(25, () => new Error("late"));
});
afterEach(() => {
  vi.useRealTimers();
});

const never = (): Promise<never> => new Promise(() => {});

async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => value,
    (error: Error) => error.message,
  );
}

test("an answer and an error before the deadline are passed on", async () => {
  expect(await within(Promise.resolve(7))).toBe(7);
  await expect(within(Promise.reject(new Error("own")))).rejects.toThrow("own");
});

test("a call that does not end rejects at the deadline", async () => {
  const settled = vi.fn();
  const outcome = outcomeOf(within(never())).then(settled);
  await vi.advanceTimersByTimeAsync(24);
  expect(settled).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(3);
  await outcome;
  expect(settled).toHaveBeenCalledWith("late");
});

test("after a pause of the whole process, an answer that arrived in time counts", async () => {
  let answer: (value: string) => void = () => {};
  const outcome = outcomeOf(within(new Promise<string>((resolve) => (answer = resolve))));
  // The process was paused: the timer fires first, then the socket is read.
  setTimeout(() => setImmediate(() => answer("in time")), 24);
  await vi.advanceTimersByTimeAsync(30);
  expect(await outcome).toBe("in time");
});

test("no timer is left when nothing is pending", async () => {
  await Promise.all(Array.from({ length: 100 }, (_, index) => within(Promise.resolve(index))));
  expect(vi.getTimerCount()).toBe(0);
});

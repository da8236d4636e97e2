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

test("an answer and an error before the deadline are passed on", async () => {
  expect(await within(Promise.resolve(7))).toBe(7);
  await expect(within(Promise.reject(new Error("own")))).rejects.toThrow("own");
});

test("a call that does not end rejects at the deadline", async () => {
  const rejected = vi.fn();
  const call = within(never()).catch(rejected);
  await vi.advanceTimersByTimeAsync(24);
  expect(rejected).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(3);
  await call;
  expect(rejected).toHaveBeenCalledWith(new Error("late"));
});

test("after a pause of the whole process, an answer that arrived in time counts", async () => {
  let answer: (value: string) => void = () => {};
  const outcome = within(new Promise<string>((resolve) => (answer = resolve)));
  // The process was paused: the timer fires first, then the socket is read.
  setTimeout(() => setImmediate(() => answer("in time")), 25);
  await vi.advanceTimersByTimeAsync(30);
  expect(await outcome).toBe("in time");
});

test("no timer is left when nothing is pending", async () => {
  await Promise.all(Array.from({ length: 100 }, (_, index) => within(Promise.resolve(index))));
  expect(vi.getTimerCount()).toBe(0);
});

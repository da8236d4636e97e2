// Deadlines of calls, also after a pause of the process.

import { beforeEach, expect, test, vi } from "vitest";
import { createDeadline } from "../../src/core/deadline.ts";

const within = createDeadline(25, () => new Error("late"));

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
  return () => vi.useRealTimers();
});

test("an answer and an error before the deadline are passed on, and no timer is left", async () => {
  expect(await within(Promise.resolve(7))).toBe(7);
  await expect(within(Promise.reject(new Error("own")))).rejects.toThrow("own");
  expect(vi.getTimerCount()).toBe(0);
});

test("a call that does not end rejects at the deadline", async () => {
  const rejected = vi.fn();
  const call = within(new Promise(() => {})).catch(rejected);
  await vi.advanceTimersByTimeAsync(24);
  expect(rejected).not.toHaveBeenCalled();
  // One millisecond until the deadline, and one for each setImmediate after it.
  await vi.advanceTimersByTimeAsync(3);
  await call;
  expect(rejected).toHaveBeenCalledWith(new Error("late"));
});

test("after a pause of the whole process, an answer that arrived in time counts", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const outcome = within(promise);
  // The process was paused: the timer fires first, then the socket is read.
  setTimeout(() => setImmediate(() => resolve("in time")), 25);
  await vi.advanceTimersByTimeAsync(30);
  expect(await outcome).toBe("in time");
});

// The bound on calls: what is in time passes, what is late rejects, and one timer watches over all.

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDeadline, type Within } from "../../src/core/deadline.ts";

let now = 0;
let within: Within;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setImmediate"] });
  now = 0;
  within = createDeadline({ ms: 25, elapsed: () => now, expire: () => new Error("late") });
});
afterEach(() => {
  vi.useRealTimers();
});

async function pass(ms: number): Promise<void> {
  for (let tick = 0; tick < ms; tick++) {
    now++;
    await vi.advanceTimersByTimeAsync(1);
  }
}

const never = (): Promise<never> => new Promise(() => {});

async function outcomeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    (value) => value,
    (error: Error) => error.message,
  );
}

test("an answer and a failure in time are passed on", async () => {
  expect(await within(Promise.resolve(7))).toBe(7);
  await expect(within(Promise.reject(new Error("own")))).rejects.toThrow("own");
});

test("a call that does not end rejects at its time, and not before", async () => {
  const told = vi.fn();
  const outcome = outcomeOf(within(never())).then(told);
  await pass(24);
  expect(told).not.toHaveBeenCalled();
  await pass(3);
  await outcome;
  expect(told).toHaveBeenCalledWith("late");
});

test("each call has its own time, whichever came before", async () => {
  const told: string[] = [];
  const calls = [];
  for (const name of ["a", "b", "c"]) {
    calls.push(within(never()).catch(() => told.push(`${name} ${now}`)));
    await pass(10);
  }
  await pass(60);
  await Promise.all(calls);
  expect(told.map((line) => line.slice(0, 1))).toEqual(["a", "b", "c"]);
  for (const [place, line] of told.entries()) {
    const at = Number(line.slice(2));
    expect(at).toBeGreaterThanOrEqual(25 + 10 * place);
    expect(at).toBeLessThanOrEqual(28 + 10 * place);
  }
});

test("after a pause of the whole process, an answer that had arrived counts", async () => {
  let answer: (value: string) => void = () => {};
  const outcome = outcomeOf(within(new Promise<string>((resolve) => (answer = resolve))));
  // The process stood still: the timer fires first, then the socket is read.
  now = 10_000;
  setTimeout(() => setImmediate(() => answer("in time")), 24);
  await vi.advanceTimersByTimeAsync(30);
  expect(await outcome).toBe("in time");
});

test("no timer is left when nothing is pending", async () => {
  await Promise.all(Array.from({ length: 100 }, (_, place) => within(Promise.resolve(place))));
  expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  await pass(30);
  expect(vi.getTimerCount()).toBe(0);
  await within(Promise.resolve(1));
  await pass(30);
  expect(vi.getTimerCount()).toBe(0);
});

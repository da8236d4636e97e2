// Retries on a busy database: their duration and their end.

import { setTimeout as pause } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { createTurns, retryWhile } from "../../src/store/busy.ts";

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

// The bell: what a ring ends, what it does not, and that none is lost.

import { expect, test } from "vitest";
import { createBell } from "../../src/store/bell.ts";

const LONG_MS = 600_000;

/** Whether a wait is over by now. */
async function isOver(wait: Promise<void>): Promise<boolean> {
  return await Promise.race([wait.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
}

test("a ring ends the wait, and one wait only", async () => {
  const bell = createBell();
  const first = bell.within(LONG_MS);
  expect(await isOver(first)).toBe(false);
  bell.ring();
  await first;
  const second = bell.within(LONG_MS);
  expect(await isOver(second)).toBe(false);
  bell.stop();
  await second;
});

test("a ring before the wait ends it at once; many are one", async () => {
  const bell = createBell();
  bell.ring();
  bell.ring();
  await bell.within(LONG_MS);
  const second = bell.within(LONG_MS);
  expect(await isOver(second)).toBe(false);
  bell.stop();
});

test("a pause is not ended by a ring, which is kept for the wait after it", async () => {
  const bell = createBell();
  const pause = bell.after(5);
  bell.ring();
  expect(await isOver(pause)).toBe(false);
  await pause;
  await bell.within(LONG_MS);
});

test("time ends a wait", async () => {
  await createBell().within(1);
});

test("stopped, it lets nobody wait", async () => {
  const bell = createBell();
  const waiting = bell.after(LONG_MS);
  bell.stop();
  await waiting;
  await bell.within(LONG_MS);
  await bell.after(LONG_MS);
});

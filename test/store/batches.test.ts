// Calls made as one: what goes together, in what order, and what becomes of failures.

import { expect, onTestFinished, test, vi } from "vitest";
import { createBatches } from "../../src/store/batches.ts";

interface Batch {
  readonly keys: readonly number[];
  answer(): void;
  fail(error: Error): void;
}

/** Batches that are answered when the test says so. */
function openBatches(options: { most: number; atOnce: number; apartMs?: number }): {
  call: (key: number) => Promise<string>;
  started: Batch[];
} {
  const started: Batch[] = [];
  const call = createBatches<number, string>((keys) => {
    const { promise, resolve, reject } = Promise.withResolvers<string[]>();
    started.push({ keys, answer: () => resolve(keys.map((key) => `answer ${key}`)), fail: reject });
    return promise;
  }, options);
  return { call, started };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("calls of one turn of the loop go together, and each is given its own answer", async () => {
  const { call, started } = openBatches({ most: 10, atOnce: 1 });
  const calls = [3, 1, 2, 1].map(call);
  expect(started).toEqual([]);
  await nextTurn();
  expect(started.map(({ keys }) => keys)).toEqual([[3, 1, 2, 1]]);
  started[0]?.answer();
  expect(await Promise.all(calls)).toEqual(["answer 3", "answer 1", "answer 2", "answer 1"]);
});

test("what comes while one is under way is the next one's", async () => {
  const { call, started } = openBatches({ most: 10, atOnce: 1 });
  const first = call(1);
  await nextTurn();
  const rest = [call(2), call(3)];
  await nextTurn();
  expect(started).toHaveLength(1);
  started[0]?.answer();
  await first;
  await nextTurn();
  expect(started.map(({ keys }) => keys)).toEqual([[1], [2, 3]]);
  started[1]?.answer();
  expect(await Promise.all(rest)).toEqual(["answer 2", "answer 3"]);
});

test("a batch has no more than it may, and no more are under way than may be", async () => {
  const { call, started } = openBatches({ most: 2, atOnce: 2 });
  const calls = [1, 2, 3, 4, 5].map(call);
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect(started.map(({ keys }) => keys)).toEqual([
    [1, 2],
    [3, 4],
  ]);
  started[1]?.answer();
  await calls[3];
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  expect(started[2]?.keys).toEqual([5]);
  for (const batch of started) batch.answer();
  expect(await Promise.all(calls)).toHaveLength(5);
});

test("a batch that fails fails for each of its calls, and for no later one", async () => {
  const { call, started } = openBatches({ most: 10, atOnce: 1 });
  const calls = [call(1), call(2)];
  await nextTurn();
  started[0]?.fail(new Error("away"));
  expect((await Promise.allSettled(calls)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const later = call(3);
  await nextTurn();
  started[1]?.answer();
  expect(await later).toBe("answer 3");
});

test("batches begin so far apart, the first at once", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const { call, started } = openBatches({ most: 10, atOnce: 4, apartMs: 2 });
  const first = call(1);
  await nextTurn();
  expect(started.map(({ keys }) => keys)).toEqual([[1]]);
  started[0]?.answer();
  await first;
  const rest = [call(2), call(3)];
  await nextTurn();
  expect(started).toHaveLength(1);
  vi.advanceTimersByTime(2);
  await nextTurn();
  expect(started.map(({ keys }) => keys)).toEqual([[1], [2, 3]]);
  started[1]?.answer();
  expect(await Promise.all(rest)).toEqual(["answer 2", "answer 3"]);
});

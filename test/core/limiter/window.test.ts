// The arithmetic of the sliding window: properties that hold for any log, limit, window and clock.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  admit,
  LARGEST_EXACT_LIMIT,
  type Log,
  quantumOf,
  type Reading,
  readWindow,
  SUB_WINDOWS,
} from "../../../src/core/limiter/window.ts";

const WINDOW = 60_000;
const START = 1_764_000_000_000;

/** What became of calls at the given steps: the log after them, the clock, and when each was admitted. */
function run(limit: number, window: number, steps: readonly number[]): { log: Log; now: number; admitted: number[] } {
  let log: Log = [];
  let now = START;
  const admitted: number[] = [];
  for (const step of steps) {
    now += step;
    const reading = readWindow(log, limit, window, now);
    if (reading.remaining > 0) admitted.push(now);
    log = (reading.remaining > 0 ? admit(reading, limit, window, now) : reading).log;
  }
  return { log, now, admitted };
}

const limits = fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 250, max: 270 }));
const windows = fc.oneof(fc.constant(WINDOW), fc.integer({ min: 1, max: 3_600_000 }));
const forward = fc.array(fc.oneof(fc.nat({ max: 20_000 }), fc.constantFrom(0, 1, WINDOW, WINDOW - 1)), {
  maxLength: 60,
});
const wandering = fc.array(fc.integer({ min: -100_000, max: 50_000 }), { maxLength: 60 });

const usedOf = ({ log }: Pick<Reading, "log">): number => log.reduce((sum, { count }) => sum + count, 0);

describe("readWindow and admit", () => {
  test("an empty log has all of the limit and nothing to wait for", () => {
    expect(readWindow([], 10, WINDOW, START)).toEqual({ log: [], remaining: 10, reset: 0, stepped: false });
  });

  test("never hold more than the limit, however the clock wanders", () => {
    fc.assert(
      fc.property(limits, windows, wandering, (limit, window, steps) => {
        const { log, now } = run(limit, window, steps);
        const reading = readWindow(log, limit, window, now);
        expect(usedOf(reading)).toBeLessThanOrEqual(limit);
        expect(reading.remaining).toBe(limit - usedOf(reading));
      }),
    );
  });

  test("no window holds more than the limit, wherever it starts", () => {
    fc.assert(
      fc.property(limits, windows, forward, (limit, window, steps) => {
        const { admitted } = run(limit, window, steps);
        for (const start of admitted) {
          expect(admitted.filter((at) => at >= start && at < start + window).length).toBeLessThanOrEqual(limit);
        }
      }),
    );
  });

  test("keep a log in order, with nothing from before the window", () => {
    fc.assert(
      fc.property(limits, windows, wandering, (limit, window, steps) => {
        const { log, now } = run(limit, window, steps);
        const times = readWindow(log, limit, window, now).log.map(({ at }) => at);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
        expect(times.every((at) => at > now - window)).toBe(true);
        expect(times.every((at) => at < now + quantumOf(limit, window))).toBe(true);
      }),
    );
  });

  test("reset is when the next slot is freed: not a tick earlier, not a tick later", () => {
    fc.assert(
      fc.property(limits, windows, forward, fc.nat({ max: 5 }), (limit, window, steps, lowered) => {
        const { log, now } = run(limit, window, steps);
        const held = Math.max(1, limit - lowered);
        fc.pre(limit > LARGEST_EXACT_LIMIT === held > LARGEST_EXACT_LIMIT);
        const { remaining, reset } = readWindow(log, held, window, now);
        if (reset === 0) {
          expect(remaining).toBe(held);
          return;
        }
        expect(readWindow(log, held, window, now + reset - 1).remaining).toBe(remaining);
        expect(readWindow(log, held, window, now + reset).remaining).toBeGreaterThan(remaining);
      }),
    );
  });

  test("a step backward makes what lies ahead of the clock happen now, and leaves the rest where it was", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000_000 }), (back) => {
        const log = [
          { at: START - 5_000, count: 1 },
          { at: START, count: 1 },
        ];
        const now = START - back;
        const oldest = Math.min(START - 5_000, now);
        expect(readWindow(log, 10, WINDOW, now)).toEqual({
          log:
            oldest === now
              ? [{ at: now, count: 2 }]
              : [
                  { at: oldest, count: 1 },
                  { at: now, count: 1 },
                ],
          remaining: 8,
          reset: oldest + WINDOW - now,
          stepped: true,
        });
      }),
    );
  });

  test("a step backward of less than the window brings nothing back that had left it", () => {
    const { log } = readWindow([{ at: START - WINDOW + 1, count: 1 }], 10, WINDOW, START);
    expect(log).toHaveLength(1);
    const left = readWindow(log, 10, WINDOW, START + 1);
    expect(left.log).toEqual([]);
    expect(readWindow(left.log, 10, WINDOW, START - 1_000).remaining).toBe(10);
  });

  test("a clock that stands still or goes forward has not stepped", () => {
    const log = [{ at: START, count: 1 }];
    expect(readWindow(log, 10, WINDOW, START).stepped).toBe(false);
    expect(readWindow(log, 10, WINDOW, START + 1).stepped).toBe(false);
  });

  test("do not change the log they are given", () => {
    const log = Object.freeze([Object.freeze({ at: START, count: 1 })]);
    const reading = readWindow(log, 300, WINDOW, START - 1_000);
    admit(reading, 300, WINDOW, START - 1_000);
    expect(log).toEqual([{ at: START, count: 1 }]);
  });
});

describe("sub-windows", () => {
  test("are for limits over 256 alone, and divide the window into 64", () => {
    expect(quantumOf(LARGEST_EXACT_LIMIT, WINDOW)).toBe(1);
    expect(quantumOf(LARGEST_EXACT_LIMIT + 1, WINDOW)).toBe(938);
    expect(quantumOf(6_000, 1)).toBe(1);
  });

  test("bound the log of a large limit, whatever comes", () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 200 }), { maxLength: 400, size: "max" }), (steps) => {
        const { log } = run(1_000, WINDOW, steps);
        expect(log.length).toBeLessThanOrEqual(SUB_WINDOWS + 1);
      }),
      { numRuns: 30 },
    );
  });

  test("bound the log of a large limit too when the clock goes to and fro", () => {
    const { log } = run(
      1_000,
      WINDOW,
      Array.from({ length: 900 }, (_, place) => (place % 2 === 0 ? 1_000 : -1_000)),
    );
    expect(log.length).toBeLessThanOrEqual(SUB_WINDOWS + 1);
  });

  test("count the admissions of one tick in one entry, dated at its end", () => {
    const { log } = run(300, WINDOW, [0, 1, 1]);
    const quantum = quantumOf(300, WINDOW);
    expect(log).toEqual([{ at: Math.ceil(START / quantum) * quantum, count: 3 }]);
  });
});

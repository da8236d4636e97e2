// Clocks of others, by answers that take their time: never thought faster than they are, and followed when they step.

import { describe, expect, test } from "vitest";
import { createClockEstimate } from "../../../src/core/limiter/clock-estimate.ts";
import { createServerClocks } from "../../../src/core/limiter/server-clocks.ts";
import { createStoreClock } from "../../../src/core/limiter/store-clock.ts";

const START = 1_764_000_000_000_000;

/** Our clock, in milliseconds, and another that was START when ours was 0 and goes on with it. */
function openClocks(): { elapsed: () => number; pass: (ms: number) => void; other: () => number } {
  let ms = 0;
  return {
    elapsed: () => ms,
    pass: (by) => {
      ms += by;
    },
    other: () => START + ms * 1000,
  };
}

describe("an estimate", () => {
  test("knows nothing before it is told", () => {
    expect(createClockEstimate(() => 5).read()).toBeUndefined();
  });

  test("goes by the answer that was read soonest", () => {
    const { elapsed, pass, other } = openClocks();
    const estimate = createClockEstimate(elapsed);
    for (const late of [300, 40, 1, 700]) {
      const at = other();
      pass(late);
      estimate.learn(at);
    }
    expect(other() - (estimate.read() ?? 0)).toBe(1_000);
  });

  test("follows a step of the other clock, forward at once and backward at once or, where it is small, soon", () => {
    for (const step of [7_200_000_000, 500_000, -500_000, -7_200_000_000]) {
      const { elapsed, pass, other } = openClocks();
      const estimate = createClockEstimate(elapsed);
      estimate.learn(other());
      for (let second = 0; second < 30; second++) {
        pass(1_000);
        estimate.learn(other() + step);
      }
      expect(estimate.read()).toBe(other() + step);
    }
  });
});

describe("the store's clock", () => {
  test("is ours until it is told, and then the store's", () => {
    const { elapsed, pass, other } = openClocks();
    const clock = createStoreClock(elapsed, 1_000);
    pass(5);
    expect(clock.read()).toBe(1_005_000);
    expect(clock.set(other())).toBe(other() - 1_005_000);
    pass(2);
    expect(clock.read()).toBe(other());
    expect(clock.set(other() - 500)).toBe(0);
  });
});

describe("the servers' clocks", () => {
  test("are one for each slot, and for one that was never asked any other", () => {
    const { elapsed, pass, other } = openClocks();
    const clocks = createServerClocks(elapsed);
    expect(clocks.tellDue(7, 250)).toBe("0");
    clocks.learn(7, other());
    clocks.learn(8, other() + 3_000_000);
    pass(10);
    const tenths = (us: number): string => String(Math.floor(us / 100_000));
    expect(clocks.tellDue(7, 250)).toBe(tenths(other() + 250_000));
    expect(clocks.tellDue(8, 250)).toBe(tenths(other() + 3_250_000));
    expect(clocks.tellDue(9, 250)).toBe(tenths(other() + 3_250_000));
  });
});

// How far a clock was off, in words, and what that looks like.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { explainClock } from "../../../src/core/explain/clock.ts";
import { inWords, offsetInWords } from "../../../src/core/explain/durations.ts";
import { NOW, SECONDS, SKEW } from "./desk.ts";

describe("a span in words", () => {
  test.for([
    [0, "0 s"],
    [59.4, "59 s"],
    [60, "1 min"],
    [-61, "1 min 1 s"],
    [7_980, "2 h 13 min"],
    [3_600, "1 h"],
    [86_399, "23 h 59 min"],
    [90_000, "1 day 1 h"],
    [3 * 86_400, "3 days"],
    [366 * 86_400, "1 year"],
    [1_764_000_000, "55 years 328 days"],
  ] as const)("%d s is %s", ([seconds, words]) => {
    expect(inWords(seconds)).toBe(words);
  });

  test("of two times it says which is the earlier", () => {
    expect(offsetInWords(-3)).toBe("3 s before");
    expect(offsetInWords(3)).toBe("3 s after");
  });
});

describe("a clock", () => {
  test("is right within the skew and wrong beyond it", () => {
    fc.assert(
      fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (offMs) => {
        const mistake = explainClock(SECONDS, NOW - offMs, SKEW, false);
        expect(mistake === undefined).toBe(Math.abs(offMs) <= SKEW);
      }),
    );
  });

  test.for([-43_200, -34_200, -12_600, 1_800, 3_600, 20_700, 45_900, 50_400])(
    "that is off by a zone of %d s is so to the minute, and no further",
    (zone) => {
      const codeAt = (off: number): string | undefined => explainClock(SECONDS + off, NOW, SKEW, false)?.code;
      for (const off of [0, -60, 60]) expect(codeAt(zone + off)).toBe("time_zone");
      for (const off of [-61, 61]) expect(codeAt(zone + off)).toMatch(/^clock_(ahead|behind)$/);
    },
  );

  test("is in no zone beyond fourteen hours", () => {
    expect(explainClock(SECONDS + 15 * 3_600, NOW, SKEW, false)?.code).toBe("clock_ahead");
  });

  test("that runs from a zero of its own was never set", () => {
    for (const start of [0, 315_532_800, 946_684_800]) {
      expect(explainClock(start + 1_000, NOW, SKEW, false)?.code).toBe("clock_never_set");
    }
  });
});

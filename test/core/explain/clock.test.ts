// Distance of a device's clock from the gateway's.

import fc from "fast-check";
import { expect, test } from "vitest";
import { explainClock, inWords } from "../../../src/core/explain/findings.ts";
import { NOW, SECONDS, SKEW } from "./cases.ts";

test.for([
  [0, "0 s"],
  [59.44, "59.4 s"],
  [-90, "1.5 min"],
  [7_980, "2.2 h"],
  [3_600, "1 h"],
  [-864_000, "10 days"],
] as const)("%d s is %s", ([seconds, words]) => {
  expect(inWords(seconds)).toBe(words);
});

test("a clock is right within the skew and wrong beyond it", () => {
  fc.assert(
    fc.property(fc.integer({ min: -2_000_000, max: 2_000_000 }), (offMs) => {
      expect(explainClock(SECONDS, NOW - offMs, SKEW).length === 0).toBe(Math.abs(offMs) <= SKEW);
    }),
  );
});

test.for([-43_200, -34_200, -12_600, 1_800, 3_600, 50_400])(
  "a wrong time zone of %d s is named to the minute",
  (zone) => {
    const codeAt = (off: number): string | undefined => explainClock(SECONDS + off, NOW, SKEW)[0]?.code;
    for (const off of [0, -60, 60]) expect(codeAt(zone + off)).toBe("time_zone");
    for (const off of [-61, 61]) expect(codeAt(zone + off)).toMatch(/^clock_(ahead|behind)$/);
  },
);

test("a clock that counts from 1970, 1980 or 2000 was never set", () => {
  for (const start of [0, 315_532_800, 946_684_800]) {
    expect(explainClock(start + 1_000, NOW, SKEW)[0]?.code).toBe("clock_never_set");
  }
});

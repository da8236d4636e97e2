// The time of a renewal and the wait after a failure: properties for every lifetime and random number.

import fc from "fast-check";
import { expect, test } from "vitest";
import { pauseAfter, renewedAfter, usableFor } from "../../src/client/token-source.ts";

const randomNumber = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const life = fc.integer({ min: 1, max: 86_400 }).map((seconds) => seconds * 1000);
const ahead = fc.double({ min: 0.01, max: 0.4, noNaN: true });

test("a renewal comes when one to two times refreshAhead of the token's life is left", () => {
  fc.assert(
    fc.property(life, ahead, randomNumber, (lifeMs, share, random) => {
      const left = lifeMs - renewedAfter(lifeMs, share, random);
      expect(left).toBeGreaterThanOrEqual(lifeMs * share * 0.999);
      expect(left).toBeLessThanOrEqual(lifeMs * share * 2.001);
    }),
  );
  expect([renewedAfter(600_000, 0.2, 0), renewedAfter(600_000, 0.2, 0.5)]).toEqual([480_000, 420_000]);
});

test("an expired token is not returned", () => {
  fc.assert(
    fc.property(life, (lifeMs) => {
      expect(usableFor(lifeMs)).toBeLessThan(lifeMs);
      expect(usableFor(lifeMs)).toBeGreaterThanOrEqual(lifeMs * 0.9);
    }),
  );
  expect(usableFor(600_000)).toBe(595_000);
});

test("a wait is at least retry_after; without one it is at most a minute", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      fc.nat({ max: 3_600_000 }),
      randomNumber,
      (failures, asked, random) => {
        const pause = pauseAfter(failures, asked, random);
        expect(pause).toBeGreaterThanOrEqual(Math.max(asked, 500));
        expect(pause).toBeLessThanOrEqual(Math.max(asked * 1.1, 60_000));
      },
    ),
  );
  expect([1, 2, 3, 6, 7, 99].map((failures) => pauseAfter(failures, 0, 0))).toEqual([
    1_000, 2_000, 4_000, 32_000, 60_000, 60_000,
  ]);
});

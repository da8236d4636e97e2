// The memory of denials: what it knows, until when, and that it never stretches a denial.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createDenials } from "../../../src/core/limiter/denials.ts";
import type { PolicyState } from "../../../src/core/ports.ts";

const NOW = 1_764_000_000_000;
const state: PolicyState = {
  policy: { name: "address", limit: 3, windowMs: 60_000 },
  remaining: 0,
  resetMs: 4_000,
};

test("a denial is known until it ends, with the wait that is left", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("k", NOW)).toEqual(state);
  expect(denials.recall("k", NOW + 1_500)).toEqual({ ...state, resetMs: 2_500 });
  expect(denials.recall("k", NOW + 3_999)).toEqual({ ...state, resetMs: 1 });
  expect(denials.recall("k", NOW + 4_000)).toBeUndefined();
});

test("a denial that ended is forgotten, even should the clock go back", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  denials.recall("k", NOW + 4_000);
  expect(denials.recall("k", NOW + 1)).toBeUndefined();
});

test("a clock from before the denial makes it forgotten, since it would be stretched", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("k", NOW - 1)).toBeUndefined();
  expect(denials.recall("k", NOW)).toBeUndefined();
});

test("each key is known apart, and none that was not denied", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("K", NOW)).toBeUndefined();
  expect(denials.recall("", NOW)).toBeUndefined();
});

test("a later denial takes the place of an earlier one", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  denials.remember("k", { ...state, resetMs: 9_000 }, NOW + 2_000);
  expect(denials.recall("k", NOW + 5_000)).toEqual({ ...state, resetMs: 6_000 });
});

test("whatever the clock does, a wait is never longer than the one that was told", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 })), (steps) => {
      const denials = createDenials();
      denials.remember("k", state, NOW);
      let now = NOW;
      for (const step of steps) {
        now += step;
        const { resetMs = 1 } = denials.recall("k", now) ?? {};
        expect(resetMs).toBeGreaterThan(0);
        expect(resetMs).toBeLessThanOrEqual(state.resetMs);
      }
    }),
    { numRuns: 20 },
  );
});

// The memory of denials: what it knows, until when, and that it never stretches a denial.

import fc from "fast-check";
import { expect, test } from "vitest";
import { createDenials } from "../../../src/core/limiter/denials.ts";
import type { Policy, PolicyState } from "../../../src/core/ports.ts";

const NOW = 1_764_000_000_000;
const policy: Policy = { name: "address", limit: 3, windowMs: 60_000 };
const state: PolicyState = { policy, remaining: 0, resetMs: 4_000 };

test("a denial is known until it ends, with the wait that is left", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("k", policy, NOW)).toEqual(state);
  expect(denials.recall("k", policy, NOW + 1_500)).toEqual({ ...state, resetMs: 2_500 });
  expect(denials.recall("k", policy, NOW + 3_999)).toEqual({ ...state, resetMs: 1 });
  expect(denials.recall("k", policy, NOW + 4_000)).toBeUndefined();
});

test("a denial that ended is forgotten, even should the clock go back", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  denials.recall("k", policy, NOW + 4_000);
  expect(denials.recall("k", policy, NOW + 1)).toBeUndefined();
});

test("a clock from before the denial makes it forgotten, since it would be stretched", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("k", policy, NOW - 1)).toBeUndefined();
  expect(denials.recall("k", policy, NOW)).toBeUndefined();
});

test("each key is known apart, and none that was not denied", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("K", policy, NOW)).toBeUndefined();
  expect(denials.recall("", policy, NOW)).toBeUndefined();
});

test("a later denial takes the place of an earlier one", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  denials.remember("k", { ...state, resetMs: 9_000 }, NOW + 2_000);
  expect(denials.recall("k", policy, NOW + 5_000)).toEqual({ ...state, resetMs: 6_000 });
});

test.for([
  { change: "a limit that was raised", changed: { ...policy, limit: 4 } },
  { change: "a limit that was lowered", changed: { ...policy, limit: 2 } },
  { change: "a longer window", changed: { ...policy, windowMs: 60_001 } },
  { change: "a shorter window", changed: { ...policy, windowMs: 59_999 } },
])("$change makes a denial forgotten, since it was another policy's", ({ changed }) => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("k", changed, NOW)).toBeUndefined();
  expect(denials.recall("k", policy, NOW)).toBeUndefined();
});

test("a policy of the same limit and window is the same policy", () => {
  const denials = createDenials();
  denials.remember("k", state, NOW);
  expect(denials.recall("k", { ...policy }, NOW)).toEqual(state);
});

test("whatever the clock does, a wait is never longer than the one that was told", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 })), (steps) => {
      const denials = createDenials();
      denials.remember("k", state, NOW);
      let now = NOW;
      for (const step of steps) {
        now += step;
        const { resetMs = 1 } = denials.recall("k", policy, now) ?? {};
        expect(resetMs).toBeGreaterThan(0);
        expect(resetMs).toBeLessThanOrEqual(state.resetMs);
      }
    }),
    { numRuns: 20 },
  );
});

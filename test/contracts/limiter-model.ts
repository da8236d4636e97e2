// A limiter as plainly as it can be said, and the check that holds a real one against it over random operations.

import fc from "fast-check";
import { expect } from "vitest";
import type { Charge, Policy, PolicyState, Verdict } from "../../src/core/ports.ts";

/** The definition: every admission by its time, and a filter. For limits that are counted exactly. */
function createModel(): Chargeable {
  const admissions = new Map<string, readonly number[]>();

  /**
   * An admission ahead of the clock means that the clock stepped: it is taken to have happened just now. What left the
   * window is forgotten for good when anything changes.
   */
  function read(name: string, { windowMs }: Policy, now: number): readonly number[] {
    const times = admissions.get(name) ?? [];
    const inside = times.map((time) => Math.min(time, now)).filter((time) => time > now - windowMs);
    if (times.some((time) => time > now)) admissions.set(name, inside);
    return inside;
  }

  function stateOf(policy: Policy, name: string, now: number): PolicyState {
    const inside = read(name, policy, now);
    const free = policy.limit - inside.length;
    // The one whose leaving makes room: the oldest, or a later one where a limit was lowered below what is used.
    const leaving = inside[Math.max(0, -free)];
    return {
      policy,
      remaining: Math.max(0, free),
      resetMs: leaving === undefined ? 0 : leaving + policy.windowMs - now,
    };
  }

  return {
    charge(charges, now) {
      const named = charges.map(({ policy, key }) => ({ policy, name: `${policy.name}/${key}` }));
      const before = named.map(({ policy, name }) => stateOf(policy, name, now));
      const denied = before.findIndex(({ remaining }) => remaining === 0);
      if (denied !== -1) return { denied, states: before };
      for (const { policy, name } of named) admissions.set(name, [...read(name, policy, now), now]);
      return {
        denied,
        states: named.map(({ policy, name }) => stateOf(policy, name, now)),
      };
    },
  };
}

/** One call on a limiter, some time after the one before it; the clock may step backward between them. */
export interface Operation {
  readonly stepMs: number;
  readonly charges: readonly Charge[];
}

const START = 1_764_000_000_000;
const WINDOW = 60_000;

const POLICIES: readonly Policy[] = [
  { name: "address", limit: 5, windowMs: WINDOW },
  { name: "login", limit: 3, windowMs: WINDOW },
  { name: "replay", limit: 1, windowMs: 2 * WINDOW },
];

/** Mostly small steps; some that land exactly on a boundary, some over it, some backward. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: WINDOW / 3 }) },
  { weight: 3, arbitrary: fc.constantFrom(0, 1, WINDOW - 1, WINDOW, WINDOW + 1, WINDOW / 2) },
  { weight: 1, arbitrary: fc.integer({ min: -3 * WINDOW, max: -1 }) },
  { weight: 1, arbitrary: fc.constantFrom(-1, -WINDOW, 1 - WINDOW) },
);
const charges = fc
  .tuple(fc.subarray([...POLICIES], { minLength: 1 }), fc.array(fc.constantFrom("a", "b"), { minLength: 3 }))
  .map(([policies, keys]) => policies.map((policy, place): Charge => ({ policy, key: keys[place] ?? "a" })));

/** Random operations over a few keys. */
export const operations: fc.Arbitrary<Operation[]> = fc.array(fc.record({ stepMs: step, charges }), {
  minLength: 20,
  maxLength: 80,
  size: "max",
});

/** What answers charges: a limiter, or the model. */
export interface Chargeable {
  charge(charges: readonly Charge[], now: number): Verdict | Promise<Verdict>;
}

/** Puts the same operations to two that ought to agree; `look` picks what of their verdicts must be equal. */
export async function walk(
  steps: readonly Operation[],
  one: Chargeable,
  other: Chargeable,
  look: (verdict: Verdict) => unknown = ({ denied, states }) => ({ denied, states }),
): Promise<void> {
  let now = START;
  for (const [place, { stepMs, charges }] of steps.entries()) {
    now += stepMs;
    const [got, wanted] = await Promise.all([one.charge(charges, now), other.charge(charges, now)]);
    expect(look(got), `operation ${place}`).toEqual(look(wanted));
  }
}

/** Holds a limiter against the model over thousands of random operations; fast-check prints the seed of a failure. */
export async function checkAgainstModel(
  create: () => Chargeable,
  { numRuns = 100, look }: { numRuns?: number; look?: (verdict: Verdict) => unknown } = {},
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(operations, (steps) => walk(steps, create(), createModel(), look)),
    { numRuns },
  );
}

// The part of the Limiter contract that holds for limits over 256, which may be counted in sub-windows.

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Limiter, Policy } from "../../src/core/ports.ts";
import { chargeTimes, START, stateOf, WINDOW } from "./limiter-calls.ts";

const large: Policy = { name: "address", limit: 300, windowMs: WINDOW };
/** A sub-window is a 64th of the window; counts may be kept that much longer. */
const ROUNDING = Math.ceil(WINDOW / 64);

export function describeLargeLimits(create: () => Limiter): void {
  test("a large limit admits all of a burst up to the limit, and no more", async () => {
    const verdicts = await chargeTimes(create(), large, Array(310).fill(START));
    expect(verdicts.lastIndexOf("admitted")).toBe(299);
    expect(verdicts.indexOf("denied")).toBe(300);
  });

  test("a large limit tells what remains, and when there is room to within a sub-window", async () => {
    const limiter = create();
    await chargeTimes(limiter, large, Array(299).fill(START));
    const { denied, remaining, resetMs = 0 } = await stateOf(limiter, large, START);
    expect({ denied, remaining }).toEqual({ denied: -1, remaining: 0 });
    expect(resetMs).toBeGreaterThanOrEqual(WINDOW);
    expect(resetMs).toBeLessThan(WINDOW + ROUNDING);
    expect(await chargeTimes(limiter, large, [START + resetMs - 1, START + resetMs])).toEqual(["denied", "admitted"]);
  });

  test("a large limit recovers whole once a window and a sub-window have passed", async () => {
    const limiter = create();
    for (const start of [START, START + WINDOW + ROUNDING, START + 2 * (WINDOW + ROUNDING)]) {
      const verdicts = await chargeTimes(limiter, large, Array(301).fill(start));
      expect(verdicts.filter((verdict) => verdict === "admitted")).toHaveLength(300);
    }
  });

  test("a large limit survives a clock that steps backward, and locks out for no more than a window", async () => {
    const limiter = create();
    await chargeTimes(limiter, large, Array(300).fill(START));
    const stepped = START - 3_600_000;
    expect(await chargeTimes(limiter, large, [stepped])).toEqual(["denied"]);
    const after = await chargeTimes(limiter, large, Array(301).fill(stepped + WINDOW + ROUNDING));
    expect(after.filter((verdict) => verdict === "admitted")).toHaveLength(300);
  });

  test("a large limit never over-admits, and never denies what a sub-window longer would have room for", async () => {
    const policy = { ...large, limit: 257 };
    const gaps = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 500, maxLength: 700, size: "max" });
    await fc.assert(
      fc.asyncProperty(gaps, async (steps) => {
        let now = START;
        const times = steps.map((gap) => {
          now += gap;
          return now;
        });
        const verdicts = await chargeTimes(create(), policy, times);
        const admitted: number[] = [];
        for (const [place, at] of times.entries()) {
          const within = (span: number): number => admitted.filter((time) => time > at - span).length;
          if (verdicts[place] === "admitted") expect(within(WINDOW)).toBeLessThan(policy.limit);
          else expect(within(WINDOW + ROUNDING)).toBeGreaterThanOrEqual(policy.limit);
          if (verdicts[place] === "admitted") admitted.push(at);
        }
      }),
      { numRuns: 5 },
    );
  });

  test("a limit that changes across 256 goes on with what was admitted before", async () => {
    const small = { ...large, limit: 10 };
    const lowered = create();
    await chargeTimes(lowered, large, Array(20).fill(START));
    expect(await chargeTimes(lowered, small, [START + 1_000])).toEqual(["denied"]);

    const raised = create();
    await chargeTimes(raised, small, Array(10).fill(START));
    const verdicts = await chargeTimes(raised, large, Array(300).fill(START + 1_000));
    expect(verdicts.filter((verdict) => verdict === "admitted")).toHaveLength(290);
  });
}

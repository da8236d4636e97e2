// The part of the Limiter contract that is about a limit that changes while it is counted.

import { expect, test } from "vitest";
import type { Limiter, Policy } from "../../src/core/ports.ts";
import { chargeTimes, START, stateOf, WINDOW } from "./limiter-calls.ts";

const login: Policy = { name: "login", limit: 10, windowMs: WINDOW };

export function describeChangedLimits(create: () => Limiter): void {
  const lowered = { ...login, limit: 4 };
  const raised = { ...login, limit: 12 };

  test("a limit that is lowered holds at once, and tells when there is room", async () => {
    const limiter = create();
    const times = Array.from({ length: 10 }, (_, place) => START + place * 1000);
    await chargeTimes(limiter, login, times);
    const now = START + 10_000;
    // Seven must leave before the lowered limit has room; the seventh came at 6 s.
    expect(await stateOf(limiter, lowered, now)).toEqual({ denied: 0, remaining: 0, resetMs: WINDOW - 4_000 });
    expect(await chargeTimes(limiter, lowered, [START + 65_999, START + 66_000])).toEqual(["denied", "admitted"]);
  });

  test("a limit that is raised gives room at once", async () => {
    const limiter = create();
    await chargeTimes(limiter, login, Array(11).fill(START));
    expect(await chargeTimes(limiter, raised, Array(3).fill(START))).toEqual(["admitted", "admitted", "denied"]);
  });
}

// Calls on a limiter, as the suites of its contract make them.

import type { Limiter, Policy } from "../../src/core/ports.ts";

/** Some instant, on no round number of a window. */
export const START = 1_764_000_000_123;
export const WINDOW = 60_000;

/** One charge at each of the times, in order. */
export async function chargeTimes(
  limiter: Limiter,
  policy: Policy,
  times: readonly number[],
  key = "k",
): Promise<string[]> {
  const verdicts = await Promise.all(times.map((now) => limiter.charge([{ policy, key }], now)));
  return verdicts.map(({ denied }) => (denied === -1 ? "admitted" : "denied"));
}

/** One charge, and all of its answer but the policy. */
export async function stateOf(
  limiter: Limiter,
  policy: Policy,
  now: number,
): Promise<{ denied: number; remaining: number | undefined; resetMs: number | undefined }> {
  const { denied, states } = await limiter.charge([{ policy, key: "k" }], now);
  return { denied, remaining: states[0]?.remaining, resetMs: states[0]?.resetMs };
}

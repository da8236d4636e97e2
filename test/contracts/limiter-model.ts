// The simplest correct limiter, and a comparison of a real one with it over random calls.

import { roundUp } from "../../src/core/limiter/window.ts";
import type { Charge, Policy, PolicyState, Verdict } from "../../src/core/ports.ts";
import { createCalls } from "./limiter-random.ts";

/** A limiter, or the model. */
export interface Chargeable {
  charge(charges: readonly Charge[], now: number): Verdict | Promise<Verdict>;
}

/** Units of time in a millisecond: 1 in the process, 1000 in Redis. */
export type Resolution = 1 | 1_000;

/** The definition: the instant of every admission, and a filter. */
function createModel(perMs: Resolution): Chargeable {
  const admissions = new Map<string, readonly number[]>();

  /** An admission ahead of the clock counts as made now, for good. Admissions that have left the window are dropped. */
  function read(name: string, { limit, windowMs }: Policy, now: number): readonly number[] {
    const window = windowMs * perMs;
    const times = admissions.get(name) ?? [];
    const tick = roundUp(limit, window, now);
    const isStepped = (times.at(-1) ?? tick) > tick;
    if (!isStepped && (times[0] ?? now) > now - window) return times;
    const inside = times.map((time) => Math.min(time, tick)).filter((time) => time > now - window);
    if (isStepped) admissions.set(name, inside);
    return inside;
  }

  function stateOf(policy: Policy, inside: readonly number[], now: number): PolicyState {
    const free = policy.limit - inside.length;
    // The admission that frees a slot: the oldest, or a later one if the limit was lowered below the admissions.
    const leaving = inside[Math.max(0, -free)];
    const resetMs = leaving === undefined ? 0 : (leaving - now + policy.windowMs * perMs) / perMs;
    return { policy, remaining: Math.max(0, free), resetMs };
  }

  return {
    charge(charges, nowMs) {
      const now = nowMs * perMs;
      const nameOf = ({ policy, key }: Charge): string => `${policy.name}/${key}`;
      const before = charges.map((charge) => read(nameOf(charge), charge.policy, now));
      const statesOf = (logs: readonly (readonly number[])[]): PolicyState[] =>
        charges.map(({ policy }, index) => stateOf(policy, logs[index] ?? [], now));
      const states = statesOf(before);
      const denied = states.findIndex(({ remaining }) => remaining === 0);
      if (denied !== -1) return { denied, states };
      const after = charges.map((charge, index) => {
        const { limit, windowMs } = charge.policy;
        const log = [...(before[index] ?? []), roundUp(limit, windowMs * perMs, now)];
        admissions.set(nameOf(charge), log);
        return log;
      });
      return { denied, states: statesOf(after) };
    },
  };
}

export interface Comparison {
  readonly admitted: number;
  readonly denied: number;
  readonly stepsBackward: number;
  readonly differences: number;
  /** The first difference. A run with the same seed and `operation + 1` operations repeats it. */
  readonly first: object | undefined;
}

export interface ComparisonOptions {
  readonly operations: number;
  readonly seed: number;
  readonly perMs: Resolution;
}

const BATCH = 1_000;

/** Sends random calls to the model, and to a limiter that is empty and counts by the caller's clock. */
export async function compareWithModel(limiter: Chargeable, options: ComparisonOptions): Promise<Comparison> {
  const { operations } = options;
  const model = createModel(options.perMs);
  // Multiples of a unit that both sides distinguish and count without rounding.
  const nextCall = createCalls({ seed: options.seed, grainMs: options.perMs === 1 ? 1 : 0.125 });
  let [done, admitted, stepsBackward, differences, latest] = [0, 0, 0, 0, 0];
  let first: Comparison["first"];

  const send = (count: number) =>
    Array.from({ length: count }, nextCall).map((call) => ({ call, got: limiter.charge(call.charges, call.now) }));
  for (let batch = send(Math.min(BATCH, operations)); batch.length > 0; ) {
    // Sent before the answers to the last batch are read: Redis is never idle.
    const next = send(Math.min(BATCH, operations - done - batch.length));
    for (const { call, got: promised } of batch) {
      const got = await promised;
      const wanted = await model.charge(call.charges, call.now);
      if (call.now < latest) stepsBackward++;
      latest = call.now;
      if (wanted.denied === -1) admitted++;
      if (!isSame(got, wanted)) {
        differences++;
        first ??= { operation: done, call, got, wanted };
      }
      done++;
    }
    batch = next;
  }
  return { admitted, denied: done - admitted, stepsBackward, differences, first };
}

function isSame(one: Verdict, other: Verdict): boolean {
  const isSameState = (state: PolicyState | undefined, index: number): boolean => {
    const { remaining, resetMs } = other.states[index] ?? {};
    return state?.remaining === remaining && state?.resetMs === resetMs;
  };
  return one.denied === other.denied && one.states.length === other.states.length && one.states.every(isSameState);
}

// The simplest correct limiter, to compare a real one with.

import { deepStrictEqual } from "node:assert";
import { LARGEST_EXACT_LIMIT, roundUp } from "../../src/core/limiter/window.ts";
import type { Charge, Policy, PolicyName, PolicyState, Verdict } from "../../src/core/ports.ts";

/** A limiter, or the model. */
export interface Chargeable {
  charge(charges: readonly Charge[], now: number): Verdict | Promise<Verdict>;
}

/** Units of time in a millisecond: 1 in the process, 1000 in Redis. */
export type Resolution = 1 | 1_000;

/** The definition: the instant of every admission, and a filter. */
export function createModel(perMs: Resolution) {
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
    charge(charges: readonly Charge[], nowMs: number): Verdict {
      const now = Math.round(nowMs * perMs);
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

const BATCH = 1_000;

/**
 * Sends random calls to the model, and to a limiter that is empty and counts by the caller's clock.
 * @throws AssertionError for the first difference, with the seed and the number of its operation
 */
export async function compareWithModel(
  limiter: Chargeable,
  { operations, seed, perMs }: { operations: number; seed: number; perMs: Resolution },
) {
  const model = createModel(perMs);
  // Multiples of a unit that both sides distinguish and count without rounding.
  const nextCall = createCalls(seed, perMs === 1 ? 1 : 0.125);
  let [operation, admitted, stepsBackward, latest] = [0, 0, 0, 0];
  while (operation < operations) {
    const calls = Array.from({ length: Math.min(BATCH, operations - operation) }, nextCall);
    const decide = async (call: ReturnType<typeof nextCall>) => ({
      call,
      got: await limiter.charge(call.charges, call.now),
    });
    for (const { call, got } of await Promise.all(calls.map(decide))) {
      const { denied, states } = got;
      const wanted = model.charge(call.charges, call.now);
      deepStrictEqual({ seed, operation, call, denied, states }, { seed, operation, call, ...wanted });
      if (call.now < latest) stepsBackward++;
      latest = call.now;
      if (denied === -1) admitted++;
      operation++;
    }
  }
  return { admitted, denied: operations - admitted, stepsBackward };
}

/** Longer than the time between two writes of a key: Redis expires keys by its own clock, not by the injected one. */
const WINDOWS = { address: 601_003, login: 600_000, failure: 1_800_000, replay: 1_201_000 };
/** The usual limit, then limits that sometimes replace it. */
const LIMITS = {
  address: [300, 257, 1_000, 20, LARGEST_EXACT_LIMIT],
  login: [10, 3, 1, 12],
  failure: [60, 5, 15],
  replay: [1],
} satisfies Record<PolicyName, readonly number[]>;
/** The precedence is the order of the list, so the order varies. */
const CALLS: readonly (readonly PolicyName[])[] = [
  ["login"],
  ["login", "replay"],
  ["replay", "login"],
  ["failure", "address"],
  ["address", "failure"],
  ["address"],
  ["replay", "failure"],
];
const START = 1_764_000_000_000;
const DEVICES = 3_500;
/** Average time between two calls, in milliseconds: about half of the calls are denied. */
const SPACING = 150;
const REMEMBERED = 500;

/** Makes the source of the calls. The time of a call may be before that of the previous call. */
function createCalls(seed: number, grainMs: number): () => { now: number; charges: readonly Charge[] } {
  const random = createRandom(seed);
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item =>
    items[Math.floor(random() * items.length)] ?? items[0];
  const within = (least: number, most: number): number =>
    least + Math.round((random() * (most - least)) / grainMs) * grainMs;

  let now = START;
  /** Charges that leave their window at `at`. */
  let edges: { readonly at: number; readonly charge: Charge }[] = [];

  /** A step of the clock. Steps forward are longer, so that the clock advances overall. */
  function step(): number {
    const window = pick([WINDOWS.login, WINDOWS.failure, WINDOWS.address, WINDOWS.replay]);
    if (random() < 0.5) return within(0, 4 * window);
    return -pick([within(grainMs, 1_000), within(0, 2 * window), window, window - 1, window + 1]);
  }

  function chargeOf(name: PolicyName): Charge {
    const limits: readonly number[] = LIMITS[name];
    const limit = (random() < 0.03 ? limits[Math.floor(random() * limits.length)] : limits[0]) ?? 1;
    // A few keys are in most calls. One tag, so that both charges of a call would be in one slot of a Cluster.
    const key = `key ${Math.floor((name === "address" ? 20 : DEVICES) * random() ** 5)}`;
    return {
      policy: { name, limit, windowMs: WINDOWS[name] },
      key: name === "replay" ? `${key} ${Math.floor(3 * random())}` : key,
    };
  }

  return () => {
    const edge = random() < 0.4 && edges.find(({ at }) => at > now && at < now + 4 * SPACING);
    if (edge) {
      // Exactly at the edge or just before or after it, with the same key.
      now = edge.at + pick([0, 0, 0, -grainMs, -grainMs, grainMs, -1, 1]);
      return { now, charges: [edge.charge] };
    }
    if (random() < 0.0003) now += step();
    else now += random() < 0.25 ? pick([0, 0, 0, 0, grainMs, 1, -grainMs]) : within(0, 3 * SPACING);
    const charges = (CALLS[Math.floor(random() * CALLS.length)] ?? []).map(chargeOf);
    if (random() < 0.05) {
      edges = edges.filter(({ at }) => at > now && at < now + WINDOWS.failure);
      edges.push(...charges.map((charge) => ({ at: now + charge.policy.windowMs, charge })));
      edges.splice(0, edges.length - REMEMBERED);
    }
    return { now, charges };
  };
}

/** Numbers from 0 to under 1: mulberry32, by Tommy Ettinger. */
function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

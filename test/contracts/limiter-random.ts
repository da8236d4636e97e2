// Random calls on a limiter from one seed: at the edges of windows, with clock steps and changed limits.

import { LARGEST_EXACT_LIMIT } from "../../src/core/limiter/window.ts";
import type { Charge, PolicyName } from "../../src/core/ports.ts";

/** A call and its time by the clock, which may be before the previous call's. */
export interface TimedCall {
  readonly now: number;
  readonly charges: readonly Charge[];
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

/** Makes the source of the calls. */
export function createCalls({ seed, grainMs }: { seed: number; grainMs: number }): () => TimedCall {
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

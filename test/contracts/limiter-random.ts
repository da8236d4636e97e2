// Random calls on a limiter from one seed: at the edges of windows, with clock steps and changed limits.

import { LARGEST_EXACT_LIMIT } from "../../src/core/limiter/window.ts";
import type { Charge, Policy, PolicyName } from "../../src/core/ports.ts";

/** A call and its time by the clock, which may be before the previous call's. */
export interface TimedCall {
  readonly now: number;
  readonly charges: readonly Charge[];
}

/** Longer than the time between two writes of a key: Redis expires keys by its own clock, not by the injected one. */
const WINDOWS = { address: 601_003, login: 600_000, failure: 3_600_000, replay: 1_201_000 } satisfies Record<
  PolicyName,
  number
>;
/** The usual limit, then limits that sometimes replace it. */
const LIMITS = {
  address: [300, 257, 1_000, 20, LARGEST_EXACT_LIMIT],
  login: [10, 3, 1, 12],
  failure: [60, 5, 15],
  replay: [1],
} satisfies Record<PolicyName, readonly number[]>;
const CHANGED = 0.03;

/** The number of devices and addresses and the speed of the clock, for which about half of the calls are denied. */
interface Scene {
  readonly devices: number;
  readonly addresses: number;
  /** Average time between two calls, in milliseconds. */
  readonly spacing: number;
  /** The share of calls at which the clock steps. */
  readonly steps: number;
  readonly calls: number;
}
const SCENES: readonly Scene[] = [
  { devices: 3, addresses: 2, spacing: 5_000, steps: 0.008, calls: 3_000 },
  { devices: 20, addresses: 3, spacing: 350, steps: 0.0005, calls: 7_000 },
  { devices: 3_500, addresses: 200, spacing: 6, steps: 0.00002, calls: 10_000 },
];
/** The scene of each call, again and again. */
const CYCLE = SCENES.flatMap((scene) => Array<Scene>(scene.calls).fill(scene));

const START = 1_764_000_000_000;
const REMEMBERED = 500;
const CALLS: readonly (readonly PolicyName[])[] = [
  ["login"],
  ["login", "replay"],
  ["login", "replay"],
  ["failure", "address"],
  ["failure", "address"],
  ["address"],
  ["replay", "failure"],
];

/** Makes the source of the calls. */
export function createCalls({ seed, grainMs }: { seed: number; grainMs: number }): () => TimedCall {
  const random = createRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item => items[below(items.length)] ?? items[0];
  const within = (least: number, most: number): number =>
    least + Math.round((random() * (most - least)) / grainMs) * grainMs;

  let now = START;
  let made = 0;
  /** When earlier charges leave their window, the earliest first. */
  const edges: Record<PolicyName, { at: number; charge: Charge }[]> = {
    address: [],
    login: [],
    failure: [],
    replay: [],
  };

  /** The next edge, if it is near. */
  function nearEdge(spacing: number): { at: number; charge: Charge } | undefined {
    let nearest: { at: number; charge: Charge } | undefined;
    for (const queue of Object.values(edges)) {
      while (queue[0] !== undefined && (queue[0].at <= now || queue[0].at > now + 2 * WINDOWS.failure)) queue.shift();
      if (queue[0] !== undefined && queue[0].at < (nearest?.at ?? now + 4 * spacing)) nearest = queue[0];
    }
    return nearest;
  }

  function step(): number {
    const window = WINDOWS[pick<PolicyName>(["login", "login", "failure", "address", "replay"])];
    // Steps forward are longer, so that the clock advances overall.
    if (random() < 0.5) return random() < 0.6 ? within(0, window) : within(window, 4 * window);
    return -pick([
      within(grainMs, 1_000),
      within(0, window),
      within(window, 2 * window),
      window,
      window - 1,
      window + 1,
    ]);
  }

  function advance({ spacing, steps }: Scene): void {
    if (random() < steps) now += step();
    else if (random() < 0.002) now -= within(grainMs, Math.min(2, spacing));
    else now += random() < 0.25 ? pick([0, 0, grainMs, 1]) : within(0, 3 * spacing);
  }

  function chargeOf(name: PolicyName, { devices, addresses }: Scene): Charge {
    const count = name === "address" ? addresses : devices;
    const limits = LIMITS[name];
    const limit = (random() < CHANGED ? limits[below(limits.length)] : limits[0]) ?? 1;
    const policy: Policy = { name, limit, windowMs: WINDOWS[name] };
    // One tag, so that both charges of a call would be in one slot of a Cluster.
    const key = `key-${devices} ${below(count)}`;
    return { policy, key: name === "replay" ? `${key} ${below(3)}` : key };
  }

  return () => {
    const scene = CYCLE[made++ % CYCLE.length];
    if (scene === undefined) throw new RangeError("no scene is left");
    const edge = random() < 0.4 ? nearEdge(scene.spacing) : undefined;
    if (edge !== undefined) {
      // Exactly at the edge or just before or after it, with the same key.
      now = edge.at + pick([0, 0, 0, -grainMs, -grainMs, grainMs, -1, 1]);
      return { now, charges: [edge.charge] };
    }
    advance(scene);
    const names = CALLS[below(CALLS.length)] ?? [];
    // The precedence is the order of the list, so the order varies.
    const charges = (random() < 0.2 ? names.toReversed() : names).map((name) => chargeOf(name, scene));
    for (const charge of random() < 0.2 ? charges : []) {
      const queue = edges[charge.policy.name];
      if (queue.length < REMEMBERED) queue.push({ at: now + charge.policy.windowMs, charge });
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

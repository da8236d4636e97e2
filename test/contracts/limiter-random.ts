// Random calls on a limiter without end, all from one seed, for runs too long for fast-check. Knows no limiter.

import { LARGEST_EXACT_LIMIT } from "../../src/core/limiter/window.ts";
import type { Charge, Policy, PolicyName } from "../../src/core/ports.ts";

/** A call, and the instant that the clock shows then: it may be before that of the call before. */
export interface TimedCall {
  readonly now: number;
  readonly charges: readonly Charge[];
}

/** Longer than Redis takes from a key's write to the next: it forgets keys by its own clock, whatever clock is injected. */
const WINDOWS = { address: 601_003, login: 600_000, failure: 3_600_000, replay: 1_201_000 } satisfies Record<
  PolicyName,
  number
>;
/** What a policy's limit is, mostly, and what it is changed to at times; `wide` is counted in sub-windows. */
const LIMITS = {
  wide: [300, 300, 257, 1_000, 20],
  address: [60, 60, 5, LARGEST_EXACT_LIMIT],
  login: [10, 10, 3, 1, 12],
  failure: [10, 10, 5, 15],
  replay: [1],
};
const CHANGED = 0.03;

/** How many there are of each, and how fast the clock goes: so that about half of the calls are denied. */
interface Scene {
  readonly devices: number;
  readonly addresses: number;
  /** Milliseconds from a call to the next, on average. */
  readonly spacing: number;
  /** The share of calls at which the clock steps, backward or far forward. */
  readonly steps: number;
  /** Calls in it, of a thousand. */
  readonly share: number;
}
const SCENES: readonly Scene[] = [
  { devices: 3, addresses: 2, spacing: 5_000, steps: 0.008, share: 150 },
  { devices: 20, addresses: 3, spacing: 350, steps: 0.0005, share: 350 },
  { devices: 3_500, addresses: 200, spacing: 6, steps: 0.00002, share: 500 },
];

const START = 1_764_000_000_000;
const REMEMBERED = 500;

/** An earlier charge, and when it leaves its window, should it have been admitted. */
interface Boundary {
  readonly at: number;
  readonly charge: Charge;
}

/** Whether a charge's key may be counted in sub-windows: its limit is over LARGEST_EXACT_LIMIT, or was. */
export function isWide({ key }: Charge): boolean {
  return key.startsWith("wide");
}

export interface CallOptions {
  readonly seed: number;
  /** Calls until every scene was played once. */
  readonly cycle: number;
  /** Times are multiples of so many milliseconds: of 0.125 or 1, which arithmetic is exact on in microseconds too. */
  readonly grainMs: number;
}

/** Makes the source of the calls: the same options give the same calls. */
export function createCalls({ seed, cycle, grainMs }: CallOptions): () => TimedCall {
  const random = createRandom(seed);
  const below = (bound: number): number => Math.floor(random() * bound);
  const pick = <Item>(items: readonly [Item, ...Item[]]): Item => items[below(items.length)] ?? items[0];
  const within = (least: number, most: number): number =>
    least + Math.round((random() * (most - least)) / grainMs) * grainMs;

  let now = START;
  let made = 0;
  /** Of each policy, the earliest first. */
  const boundaries: Record<PolicyName, Boundary[]> = { address: [], login: [], failure: [], replay: [] };

  function sceneAt(place: number): Scene {
    let thousandths = ((place % cycle) * 1000) / cycle;
    for (const scene of SCENES) {
      if (thousandths < scene.share) return scene;
      thousandths -= scene.share;
    }
    throw new RangeError("the scenes' shares come to a thousand");
  }

  /** The boundary that is next, when it is near enough to be gone to. */
  function nearBoundary(spacing: number): Boundary | undefined {
    let nearest: Boundary | undefined;
    for (const queue of Object.values(boundaries)) {
      while (queue[0] !== undefined && (queue[0].at <= now || queue[0].at > now + 2 * WINDOWS.failure)) queue.shift();
      if (queue[0] !== undefined && queue[0].at < (nearest?.at ?? now + 4 * spacing)) nearest = queue[0];
    }
    return nearest;
  }

  function remember(charge: Charge): void {
    const queue = boundaries[charge.policy.name];
    if (queue.length < REMEMBERED) queue.push({ at: now + charge.policy.windowMs, charge });
  }

  function advance({ spacing, steps }: Scene): void {
    if (random() < steps) now += step();
    else if (random() < 0.002) now -= within(grainMs, Math.min(2, spacing));
    else now += random() < 0.25 ? pick([0, 0, grainMs, 1]) : within(0, 3 * spacing);
  }

  function step(): number {
    const window = WINDOWS[pick<PolicyName>(["login", "login", "failure", "address", "replay"])];
    // Forward is further, or a clock that keeps stepping would never get on.
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

  function chargeOf(name: PolicyName, { devices, addresses }: Scene): Charge {
    const place = below(name === "address" ? addresses : devices);
    const wide = name === "address" && place % 2 === 0;
    const limits = LIMITS[wide ? "wide" : name];
    const limit = (random() < CHANGED ? limits[below(limits.length)] : limits[0]) ?? 1;
    const policy: Policy = { name, limit, windowMs: WINDOWS[name] };
    const key = `${wide ? "wide" : "key"} ${devices} ${place}`;
    return { policy, key: name === "replay" ? `${key} ${below(3)}` : key };
  }

  function namesOf(): readonly PolicyName[] {
    const names = pick<readonly PolicyName[]>([
      ["address", "login"],
      ["address", "login"],
      ["address", "login", "replay"],
      ["address", "failure"],
      ["address"],
      ["login"],
      ["replay", "failure", "login"],
    ]);
    // Precedence is the order of the list, whatever it is.
    return random() < 0.2 ? names.toReversed() : names;
  }

  return () => {
    const scene = sceneAt(made++);
    const boundary = random() < 0.4 ? nearBoundary(scene.spacing) : undefined;
    if (boundary !== undefined) {
      // To the instant, or just to either side of it, and on the very key.
      now = boundary.at + pick([0, 0, 0, -grainMs, -grainMs, grainMs, -1, 1]);
      return { now, charges: [boundary.charge] };
    }
    advance(scene);
    const charges = namesOf().map((name) => chargeOf(name, scene));
    if (random() < 0.2) charges.forEach(remember);
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

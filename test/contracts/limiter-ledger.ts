// The definition of an exact window as a judge: told what a limiter decided, it says what was wrong with it. A twin of
// limiter-model.ts for millions of calls, which judges limits that are counted in sub-windows too. Knows no limiter.

import { SUB_WINDOWS } from "../../src/core/limiter/window.ts";
import type { Charge, PolicyState, Verdict } from "../../src/core/ports.ts";
import { isWide, type TimedCall } from "./limiter-random.ts";

/** What may be wrong with a verdict. */
export type Fault = "over-admission" | "false denial" | "wrong state";

/**
 * The admissions of a key by their times. Where a limit is counted exactly the two lists are one. Where it may be counted in
 * sub-windows an admission may be kept for a sub-window longer: `sure` holds what every right limiter still counts, and
 * `perhaps` what none has to have forgotten.
 */
interface Admissions {
  readonly sure: readonly number[];
  readonly perhaps: readonly number[];
}

const NONE: Admissions = { sure: [], perhaps: [] };

/** Judges the verdict on a call; calls are to come in the order in which they were decided. */
export type Judge = (call: TimedCall, verdict: Verdict) => Fault | undefined;

export function createJudge(): Judge {
  const ledger = new Map<string, Admissions>();
  const nameOf = ({ policy, key }: Charge): string => `${policy.name}/${key}`;

  /**
   * What lies in the window at `now`. An admission ahead of the clock means that the clock stepped: it is taken to have
   * happened just now. What left the window is forgotten for good when anything changes.
   */
  function read(charge: Charge, now: number): Admissions {
    const { sure, perhaps } = ledger.get(nameOf(charge)) ?? NONE;
    const { windowMs } = charge.policy;
    const inside = sure.map((time) => Math.min(time, now)).filter((time) => time > now - windowMs);
    const stepped = perhaps.some((time) => time > now);
    if (!isWide(charge)) {
      const exact = { sure: inside, perhaps: inside };
      if (stepped) ledger.set(nameOf(charge), exact);
      return exact;
    }
    // Kept at every look: whether the limiter has seen a step is not known to within a sub-window.
    const clamped = perhaps.map((time) => Math.min(time, now));
    ledger.set(nameOf(charge), { sure: inside, perhaps: clamped });
    const rounding = Math.ceil(windowMs / SUB_WINDOWS);
    return { sure: inside, perhaps: clamped.filter((time) => time > now - windowMs - rounding) };
  }

  return ({ now, charges }, { denied, states }) => {
    const before = charges.map((charge) => read(charge, now));
    const full = (place: number, count: keyof Admissions): boolean =>
      (before[place]?.[count].length ?? 0) >= (charges[place]?.policy.limit ?? 0);
    const places = [...charges.keys()];

    if (denied === -1) {
      for (const [place, charge] of charges.entries()) {
        const { sure, perhaps } = before[place] ?? NONE;
        const after = [...sure, now];
        const exact = sure === perhaps;
        ledger.set(nameOf(charge), { sure: after, perhaps: exact ? after : [...perhaps, now] });
      }
      if (places.some((place) => full(place, "sure"))) return "over-admission";
    } else {
      if (!full(denied, "perhaps")) return "false denial";
      // Precedence: the first that is spent is the one to be named.
      if (places.slice(0, denied).some((place) => full(place, "sure"))) return "wrong state";
    }
    const wrong = charges.some((charge, place) => {
      const state = states[place];
      return state !== undefined && !isRight(state, charge, read(charge, now), now);
    });
    return wrong ? "wrong state" : undefined;
  };
}

function isRight(state: PolicyState, charge: Charge, { sure, perhaps }: Admissions, now: number): boolean {
  const { limit, windowMs } = charge.policy;
  if (isWide(charge)) {
    const longest = windowMs + Math.ceil(windowMs / SUB_WINDOWS);
    const least = Math.max(0, limit - perhaps.length);
    const most = Math.max(0, limit - sure.length);
    return state.remaining >= least && state.remaining <= most && state.resetMs >= 0 && state.resetMs <= longest;
  }
  const free = limit - sure.length;
  // The one whose leaving makes room: the oldest, or a later one where a limit was lowered below what is used.
  const leaving = sure[Math.max(0, -free)];
  const resetMs = leaving === undefined ? 0 : leaving + windowMs - now;
  return state.remaining === Math.max(0, free) && state.resetMs === resetMs;
}

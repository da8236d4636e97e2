// The charges of a call as commands of the script, and its replies as a verdict. Knows no driver.

import type { Charge, PolicyState } from "../ports.ts";
import type { Receipt } from "./shadow.ts";
import type { SharedVerdict } from "./shared.ts";

/** Charges that go in one command, and the places they have in their call. */
export interface Command {
  readonly charges: readonly Charge[];
  readonly names: readonly string[];
  readonly places: readonly number[];
  /** Of its keys; 0 where there are none. */
  readonly slot: number;
}

/** All charges in one command; with slots, in one for each. */
export function divide(
  charges: readonly Charge[],
  names: readonly string[],
  slotOf: ((name: string) => number) | undefined,
): Command[] {
  if (slotOf === undefined) return [{ charges, names, places: charges.map((_, place) => place), slot: 0 }];
  const slots = Map.groupBy(charges.keys(), (place) => slotOf(names[place] ?? ""));
  return [...slots].map(([slot, places]) => ({
    slot,
    charges: places.flatMap((place) => charges[place] ?? []),
    names: places.flatMap((place) => names[place] ?? []),
    places,
  }));
}

/**
 * Reads a reply of CHARGE_SCRIPT for each command. Of all that was denied the first in the order of the call decides;
 * what other commands admitted meanwhile has its receipts.
 */
export function readReplies(
  commands: readonly Command[],
  replies: readonly (readonly number[])[],
  charges: readonly Charge[],
): SharedVerdict {
  const states: (PolicyState | undefined)[] = charges.map(() => undefined);
  const receipts: (Receipt | undefined)[] = charges.map(() => undefined);
  let denied = -1;
  let now: number | undefined;
  for (const [number, command] of commands.entries()) {
    const reply = replies[number] ?? [];
    const [first = 0, at = 0] = reply;
    now = at;
    for (const [order, place] of command.places.entries()) {
      const policy = charges[place]?.policy;
      const remaining = reply[2 + 3 * order];
      const reset = reply[3 + 3 * order];
      const generation = reply[4 + 3 * order];
      if (policy === undefined || remaining === undefined || reset === undefined || generation === undefined)
        throw new TypeError("the script answers three numbers a charge");
      // A sub-window may be counted for up to a 64th longer.
      if (!(remaining >= 0 && remaining <= policy.limit && reset >= 0 && reset <= policy.windowMs * 1_100))
        throw new TypeError("no script of ours answers so");
      states[place] = { policy, remaining, resetMs: reset / 1000 };
      if (first === 0) receipts[place] = { at, generation };
      else if (order === first - 1 && (denied === -1 || place < denied)) denied = place;
    }
  }
  return { denied, states, now, receipts };
}

// Lets no more charges of a key be asked about at once than it may have room for, so that a flood is asked about once and
// not once a request. Knows no store, and decides nothing.

import { LRUCache } from "lru-cache";
import type { Charge, PolicyState } from "../ports.ts";

const CAPACITY = 100_000;

/** A key that is being asked about. */
interface Entry {
  asking: number;
  /** How many may be admitted, as far as is known: what the last answer left. */
  room: number;
  waiting: (() => void)[];
}

export interface Gate {
  /** Undefined when charges may be asked about now; else resolves when that is worth another look. */
  wait(charges: readonly Charge[]): Promise<void> | undefined;
  /** Charges are being asked about. @returns what is called once with the answer, or with none when there was none */
  enter(charges: readonly Charge[]): (states: readonly (PolicyState | undefined)[]) => void;
}

/**
 * A gate that everything passes which is not asked about more often than it may have room for.
 * @param usedOf how many of a charge's key are known to be admitted in its window
 */
export function createGate(usedOf: (charge: Charge) => number): Gate {
  const entries = new Map<string, Entry>();
  // A key that was spent is asked about once when a slot is freed.
  const spent = new LRUCache<string, true>({ max: CAPACITY });

  function open(charge: Charge, name: string): Entry {
    const found = entries.get(name);
    if (found !== undefined) return found;
    const room = spent.has(name) ? 1 : charge.policy.limit - usedOf(charge);
    const entry: Entry = { asking: 0, room, waiting: [] };
    entries.set(name, entry);
    return entry;
  }

  function leave(entry: Entry, name: string, state: PolicyState | undefined): void {
    entry.asking--;
    if (state !== undefined) {
      entry.room = state.remaining;
      if (state.remaining === 0) spent.set(name, true);
      else spent.delete(name);
    }
    if (entry.asking === 0) entries.delete(name);
    if (entry.waiting.length === 0 || (entry.asking >= entry.room && entry.room > 0 && entry.asking > 0)) return;
    for (const wake of entry.waiting.splice(0)) wake();
  }

  return {
    wait(charges) {
      for (const charge of charges) {
        if (!isGated(charge)) continue;
        const entry = entries.get(nameOf(charge));
        if (entry !== undefined && entry.asking >= Math.max(1, entry.room)) {
          return new Promise((resolve) => void entry.waiting.push(resolve));
        }
      }
      return undefined;
    },

    enter(charges) {
      const names = charges.map(nameOf);
      const asked = charges.map((charge, place) => {
        if (!isGated(charge)) return undefined;
        const entry = open(charge, names[place] ?? "");
        entry.asking++;
        return entry;
      });
      return (states) => {
        for (const [place, entry] of asked.entries()) {
          if (entry !== undefined) leave(entry, names[place] ?? "", states[place]);
        }
      };
    },
  };
}

/** The replay guard's answers tell the login's state: each is asked for. */
function isGated({ policy }: Charge): boolean {
  return policy.name !== "replay";
}

function nameOf({ policy, key }: Charge): string {
  return `${policy.name}:${key}`;
}

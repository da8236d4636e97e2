// Lets no more charges of a key be asked about at once than it may have room for, so that a flood is asked about once and
// not once a request. Knows no store, and decides nothing.

import { LRUCache } from "lru-cache";
import type { Charge, PolicyName, PolicyState } from "../ports.ts";

const CAPACITY = 100_000;

/** A key that is being asked about. */
interface Entry {
  readonly key: string;
  asking: number;
  /** How many may be admitted, as far as is known: what the last answer left. */
  room: number;
  waiting: (() => void)[];
}

interface Table {
  readonly entries: Map<string, Entry>;
  /** A key that was spent is asked about once when a slot is freed. */
  readonly spent: LRUCache<string, true>;
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
  const create = (): Table => ({ entries: new Map(), spent: new LRUCache({ max: CAPACITY }) });
  const tables = { login: create(), failure: create(), address: create(), replay: create() } satisfies Record<
    PolicyName,
    Table
  >;

  function open({ entries, spent }: Table, charge: Charge): Entry {
    const { key, policy } = charge;
    const found = entries.get(key);
    if (found !== undefined) return found;
    const room = spent.has(key) ? 1 : policy.limit - usedOf(charge);
    const entry: Entry = { key, asking: 0, room, waiting: [] };
    entries.set(key, entry);
    return entry;
  }

  function leave({ entries, spent }: Table, entry: Entry, state: PolicyState | undefined): void {
    entry.asking--;
    if (state !== undefined) {
      entry.room = state.remaining;
      if (state.remaining === 0) spent.set(entry.key, true);
      else spent.delete(entry.key);
    }
    if (entry.asking === 0) entries.delete(entry.key);
    // Worth another look when one may be asked about, and when it is known that there is nothing to ask.
    const worthwhile = entry.asking < Math.max(1, entry.room) || entry.room === 0;
    if (worthwhile) for (const wake of entry.waiting.splice(0)) wake();
  }

  return {
    wait(charges) {
      if (isGuarded(charges)) return undefined;
      for (const { policy, key } of charges) {
        const entry = tables[policy.name].entries.get(key);
        if (entry !== undefined && entry.asking >= Math.max(1, entry.room)) {
          return new Promise((resolve) => void entry.waiting.push(resolve));
        }
      }
      return undefined;
    },

    enter(charges) {
      if (isGuarded(charges)) return () => {};
      const asked = charges.map((charge) => {
        const entry = open(tables[charge.policy.name], charge);
        entry.asking++;
        return entry;
      });
      return (states) => {
        for (let place = 0; place < charges.length; place++) {
          const charge = charges[place];
          const entry = asked[place];
          if (charge !== undefined && entry !== undefined) leave(tables[charge.policy.name], entry, states[place]);
        }
      };
    },
  };
}

/**
 * Charges of the replay guard are asked about at once, each: a proof that was used before is denied without taking any room, so
 * that whoever has overheard one could have all others wait behind it.
 */
function isGuarded(charges: readonly Charge[]): boolean {
  return charges.some(({ policy }) => policy.name === "replay");
}

// Lets no more charges of a key be asked about at once than it may have room for, so that a flood is asked about once and
// not once a request. Knows no store, and decides nothing.

import type { Charge, PolicyName, PolicyState } from "../ports.ts";
import { LARGEST_EXACT_LIMIT } from "./window.ts";

/** Past so many, which were spent is forgotten: they are asked about a few times more than they need be. */
const MOST_SPENT = 100_000;

/** A key that is being asked about. */
interface Entry {
  readonly key: string;
  asking: number;
  /** How many may be admitted, as far as is known: what the last answer left; undefined until anybody needs to know. */
  room: number | undefined;
  waiting: (() => void)[] | undefined;
}

interface Table {
  readonly entries: Map<string, Entry>;
  /** A key that was spent is asked about once when a slot is freed. */
  readonly spent: Set<string>;
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
  const create = (): Table => ({ entries: new Map(), spent: new Set() });
  const tables = { login: create(), failure: create(), address: create(), replay: create() } satisfies Record<
    PolicyName,
    Table
  >;

  function open({ entries }: Table, key: string): Entry {
    const found = entries.get(key);
    if (found !== undefined) return found;
    const entry: Entry = { key, asking: 0, room: undefined, waiting: undefined };
    entries.set(key, entry);
    return entry;
  }

  function leave({ entries, spent }: Table, entry: Entry, state: PolicyState | undefined): void {
    entry.asking--;
    if (state !== undefined) {
      entry.room = state.remaining;
      if (state.remaining === 0) spent.add(entry.key);
      else if (spent.size > 0) spent.delete(entry.key);
      if (spent.size > MOST_SPENT) spent.clear();
    }
    if (entry.asking === 0) entries.delete(entry.key);
    const { waiting, room = 0 } = entry;
    // Worth another look when one may be asked about, and when it is known that there is nothing to ask.
    if (waiting === undefined || (entry.asking >= Math.max(1, room) && room !== 0)) return;
    entry.waiting = undefined;
    for (const wake of waiting) wake();
  }

  return {
    wait(charges) {
      if (isGuarded(charges)) return undefined;
      for (const charge of charges) {
        if (!isGated(charge)) continue;
        const { entries, spent } = tables[charge.policy.name];
        const entry = entries.get(charge.key);
        if (entry === undefined) continue;
        entry.room ??= spent.has(charge.key) ? 1 : charge.policy.limit - usedOf(charge);
        if (entry.asking < Math.max(1, entry.room)) continue;
        return new Promise((resolve) => {
          entry.waiting ??= [];
          entry.waiting.push(resolve);
        });
      }
      return undefined;
    },

    enter(charges) {
      if (isGuarded(charges)) return () => {};
      const asked = charges.map((charge) => {
        if (!isGated(charge)) return undefined;
        const entry = open(tables[charge.policy.name], charge.key);
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

/** More than a large limit are never under way at once. */
function isGated({ policy }: Charge): boolean {
  return policy.limit <= LARGEST_EXACT_LIMIT;
}

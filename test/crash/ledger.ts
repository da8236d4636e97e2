// A ledger of requested and acknowledged changes: the rows that may exist after a crash.

/** The state of one thing, as text; undefined: it is not there. */
export type State = string | undefined;

export interface Ledger {
  /** Notes that `name` is about to become `state`. */
  ask(name: string, state: State): void;
  /** Notes that what was asked was acknowledged. */
  acknowledge(name: string): void;
  readonly names: readonly string[];
  /** Names that were touched since the last crash. */
  readonly touched: readonly string[];
  /**
   * Holds what is there after a crash against what may be: what was acknowledged, or what was asked and not answered. From
   * then on it is what is known. @returns what is wrong
   */
  settle(name: string, found: State): string | undefined;
  readonly acknowledged: number;
}

interface Entry {
  state: State;
  asked: { readonly state: State } | undefined;
}

export function createLedger(): Ledger {
  const entries = new Map<string, Entry>();
  const touched = new Set<string>();
  let acknowledged = 0;

  const entryOf = (name: string): Entry => {
    const entry = entries.get(name) ?? { state: undefined, asked: undefined };
    entries.set(name, entry);
    return entry;
  };

  return {
    ask(name, state) {
      const entry = entryOf(name);
      if (entry.asked !== undefined) throw new TypeError(`${name} is asked for one thing at a time`);
      entry.asked = { state };
      touched.add(name);
    },
    acknowledge(name) {
      const entry = entryOf(name);
      if (entry.asked === undefined) throw new TypeError(`nothing was asked of ${name}`);
      entry.state = entry.asked.state;
      entry.asked = undefined;
      acknowledged++;
    },
    get names() {
      return [...entries.keys()];
    },
    get touched() {
      return [...touched];
    },
    settle(name, found) {
      const entry = entryOf(name);
      const { state, asked } = entry;
      touched.delete(name);
      entry.asked = undefined;
      if (found === state || (asked !== undefined && found === asked.state)) {
        entry.state = found;
        return undefined;
      }
      const might = asked === undefined ? "" : ` or ${asked.state ?? "gone"}`;
      return `${name} is ${found ?? "gone"} and was acknowledged as ${state ?? "gone"}${might}`;
    },
    get acknowledged() {
      return acknowledged;
    },
  };
}

// A ledger of requested and acknowledged changes: the rows that may exist after a crash.

/** The state of a row, as text; undefined: it does not exist. */
export type State = string | undefined;

export interface Ledger {
  /** Records that a change of `name` to `state` is requested. */
  ask(name: string, state: State): void;
  /** Records that the requested change was acknowledged. */
  acknowledge(name: string): void;
  readonly names: readonly string[];
  /** Names that were changed since the last crash. */
  readonly touched: readonly string[];
  /**
   * Compares the state after a crash with the allowed ones: the acknowledged state, or the requested one. It then counts as
   * acknowledged. @returns the fault, if any
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

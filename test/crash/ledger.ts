// A ledger of requested and acknowledged changes: the rows that may exist after a crash.

/** The state of a row, as text; undefined if the row does not exist. */
export type State = string | undefined;

interface Entry {
  state: State;
  asked: { readonly state: State } | undefined;
}

export class Ledger {
  readonly #entries = new Map<string, Entry>();
  readonly #touched = new Set<string>();
  #acknowledged = 0;

  /** Acknowledged changes. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()];
  }

  /** Names that were changed since the last crash. */
  get touched(): readonly string[] {
    return [...this.#touched];
  }

  /** Records that a change of `name` to `state` is requested. */
  ask(name: string, state: State): void {
    const entry = this.#entryOf(name);
    if (entry.asked !== undefined) throw new TypeError(`${name} has an unanswered request`);
    entry.asked = { state };
    this.#touched.add(name);
  }

  /** Records that the requested change was acknowledged. */
  acknowledge(name: string): void {
    const entry = this.#entryOf(name);
    if (entry.asked === undefined) throw new TypeError(`nothing was requested of ${name}`);
    entry.state = entry.asked.state;
    entry.asked = undefined;
    this.#acknowledged++;
  }

  /**
   * Compares the state after a crash with the allowed ones: the acknowledged state, or the requested one. The state found then counts as
   * acknowledged. @returns the fault, if any
   */
  settle(name: string, found: State): string | undefined {
    const entry = this.#entryOf(name);
    const { state, asked } = entry;
    this.#touched.delete(name);
    entry.asked = undefined;
    if (found === state || (asked !== undefined && found === asked.state)) {
      entry.state = found;
      return undefined;
    }
    const might = asked === undefined ? "" : ` or ${asked.state ?? "gone"}`;
    return `${name} is ${found ?? "gone"} and was acknowledged as ${state ?? "gone"}${might}`;
  }

  #entryOf(name: string): Entry {
    const entry = this.#entries.get(name) ?? { state: undefined, asked: undefined };
    this.#entries.set(name, entry);
    return entry;
  }
}

// Response headers that keep their spelling: boards look names up case-sensitively.

/** The Fetch standard's `Headers`, in the order and spelling they were set in. */
export class HeaderList implements Headers {
  readonly #fields: [name: string, value: string][] = [];

  append(name: string, value: string): void {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  }

  delete(name: string): void {
    const field = this.#find(name);
    if (field !== undefined) this.#fields.splice(this.#fields.indexOf(field), 1);
  }

  get(name: string): string | null {
    return this.#find(name)?.[1] ?? null;
  }

  /** Values of Set-Cookie cannot be joined (RFC 6265, section 3), so this list has at most one. */
  getSetCookie(): string[] {
    const cookie = this.get("Set-Cookie");
    return cookie === null ? [] : [cookie];
  }

  has(name: string): boolean {
    return this.#find(name) !== undefined;
  }

  set(name: string, value: string): void {
    const field = this.#find(name);
    if (field === undefined) this.#fields.push([name, value]);
    else [field[0], field[1]] = [name, value];
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void): void {
    for (const [name, value] of this) callback(value, name, this);
  }

  entries(): IterableIterator<[string, string]> {
    return this.#fields.values();
  }

  *keys(): IterableIterator<string> {
    for (const [name] of this) yield name;
  }

  *values(): IterableIterator<string> {
    for (const [, value] of this) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }

  /** There are few fields: comparing them costs less than a key of each. */
  #find(name: string): [name: string, value: string] | undefined {
    return this.#fields.find(
      ([one]) => one === name || (one.length === name.length && one.toLowerCase() === name.toLowerCase()),
    );
  }
}

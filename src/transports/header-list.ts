// Response headers with the spelling they were set in: boards look names up letter by letter. Knows no transport.

/** The one field whose values do not join (RFC 6265, section 3). */
const SET_COOKIE = "set-cookie";

/** The Fetch standard's `Headers`, but for that a name keeps its spelling, and that they come in the order they were set in. */
export class HeaderList implements Headers {
  /** The names in lower case, a place for each of the fields. */
  readonly #keys: string[] = [];
  readonly #fields: [name: string, value: string][] = [];

  append(name: string, value: string): void {
    const key = name.toLowerCase();
    const before = key === SET_COOKIE ? null : this.get(key);
    if (before !== null) {
      this.set(name, `${before}, ${value}`);
      return;
    }
    this.#keys.push(key);
    this.#fields.push([name, value]);
  }

  delete(name: string): void {
    const key = name.toLowerCase();
    for (let at = this.#keys.indexOf(key); at !== -1; at = this.#keys.indexOf(key, at)) this.#remove(at);
  }

  get(name: string): string | null {
    const key = name.toLowerCase();
    if (key === SET_COOKIE) return this.has(key) ? this.getSetCookie().join(", ") : null;
    return this.#fields[this.#keys.indexOf(key)]?.[1] ?? null;
  }

  getSetCookie(): string[] {
    return this.#fields.filter((_, at) => this.#keys[at] === SET_COOKIE).map(([, value]) => value);
  }

  has(name: string): boolean {
    return this.#keys.includes(name.toLowerCase());
  }

  set(name: string, value: string): void {
    const key = name.toLowerCase();
    const at = this.#keys.indexOf(key);
    if (at === -1) {
      this.#keys.push(key);
      this.#fields.push([name, value]);
      return;
    }
    this.#fields[at] = [name, value];
    for (let next = this.#keys.indexOf(key, at + 1); next !== -1; next = this.#keys.indexOf(key, next)) {
      this.#remove(next);
    }
  }

  #remove(at: number): void {
    this.#keys.splice(at, 1);
    this.#fields.splice(at, 1);
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
}

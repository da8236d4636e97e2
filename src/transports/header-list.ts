// Response headers with the spelling they were set in: boards look names up letter by letter. Knows no transport.

interface Field {
  readonly name: string;
  readonly values: readonly string[];
}

/** The Fetch standard's `Headers`, but for that a name keeps its spelling. */
export class HeaderList implements Headers {
  readonly #fields = new Map<string, Field>();

  append(name: string, value: string): void {
    const { values = [] } = this.#fields.get(name.toLowerCase()) ?? {};
    this.#fields.set(name.toLowerCase(), { name, values: [...values, value] });
  }

  delete(name: string): void {
    this.#fields.delete(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase())?.values.join(", ") ?? null;
  }

  getSetCookie(): string[] {
    return [...(this.#fields.get("set-cookie")?.values ?? [])];
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), { name, values: [value] });
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void): void {
    for (const [name, value] of this) callback(value, name, this);
  }

  entries(): IterableIterator<[string, string]> {
    const pairs: [string, string][] = [];
    for (const [key, { name, values }] of this.#fields) {
      // The one field whose values do not join (RFC 6265, section 3).
      if (key === "set-cookie") for (const value of values) pairs.push([name, value]);
      else pairs.push([name, values.join(", ")]);
    }
    return pairs.values();
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

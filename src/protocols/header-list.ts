// Response headers that keep their spelling: boards look names up case-sensitively.

/** The Fetch standard's `Headers`, in the order and spelling they were set in. */
export class HeaderList implements Headers {
  readonly #fields = new Map<string, [name: string, value: string]>();

  append(name: string, value: string): void {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  }

  delete(name: string): void {
    this.#fields.delete(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase())?.[1] ?? null;
  }

  /** Values of Set-Cookie cannot be joined (RFC 6265, section 3), so this list has at most one. */
  getSetCookie(): string[] {
    const cookie = this.get("Set-Cookie");
    return cookie === null ? [] : [cookie];
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), [name, value]);
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

// Response headers with the spelling they were set in: boards look names up letter by letter. Knows no transport.

/** The Fetch standard's `Headers`, but for that a name keeps its spelling. Values are single, set-cookie apart. */
export class HeaderList implements Headers {
  readonly #fields = new Map<string, { name: string; value: string }>();

  append(name: string, value: string): void {
    const present = this.get(name);
    this.set(name, present === null ? value : `${present}, ${value}`);
  }

  delete(name: string): void {
    this.#fields.delete(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.#fields.get(name.toLowerCase())?.value ?? null;
  }

  getSetCookie(): string[] {
    const cookie = this.get("set-cookie");
    return cookie === null ? [] : [cookie];
  }

  has(name: string): boolean {
    return this.#fields.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#fields.set(name.toLowerCase(), { name, value });
  }

  forEach(callback: (value: string, key: string, parent: Headers) => void): void {
    for (const { name, value } of this.#fields.values()) callback(value, name, this);
  }

  *entries(): IterableIterator<[string, string]> {
    for (const { name, value } of this.#fields.values()) yield [name, value];
  }

  *keys(): IterableIterator<string> {
    for (const { name } of this.#fields.values()) yield name;
  }

  *values(): IterableIterator<string> {
    for (const { value } of this.#fields.values()) yield value;
  }

  [Symbol.iterator](): IterableIterator<[string, string]> {
    return this.entries();
  }
}

// A strict JSON reader (RFC 8259) that says where a mistake is and what it is. Knows no message and no transport.

import { isUtf8 } from "node:buffer";
import { malformed } from "../core/errors.ts";

/** A JSON value; whole numbers too large to be exact as a double are bigints. */
export type Json = string | number | bigint | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

const MAX_DEPTH = 64;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const WORD = /[A-Za-z_$][\w$]*/y;

/**
 * Reads one JSON value, which must be all there is.
 * @throws AuthError `malformed`, with line and column (from 1, in UTF-16 code units); of the text it repeats a plain key at most
 */
export function readJson(bytes: Uint8Array): Json {
  if (bytes.length === 0) throw malformed("the body is empty. Send a JSON object");
  if (!isUtf8(bytes)) throw malformed("the body is not valid UTF-8. JSON is always UTF-8");
  return new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8")).readDocument();
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    // RFC 8259, 8.1: a reader may ignore a byte order mark, which some tools put there.
    this.#text = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  readDocument(): Json {
    this.#skipSpace();
    if (this.#at === this.#text.length) throw malformed("the body is blank. Send a JSON object");
    const value = this.#readValue(1);
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#mistake("There is more after the end of the JSON value");
    return value;
  }

  #readValue(depth: number): Json {
    switch (this.#text[this.#at]) {
      case "{":
        return this.#readObject(this.#enter(depth));
      case "[":
        return this.#readArray(this.#enter(depth));
      case '"':
        return this.#readString();
      default:
        return this.#readNumberOrWord();
    }
  }

  #enter(depth: number): number {
    if (depth > MAX_DEPTH) throw this.#mistake(`It nests deeper than ${MAX_DEPTH} levels`);
    return depth;
  }

  #readObject(depth: number): JsonObject {
    const object: Record<string, Json> = {};
    this.#at++;
    this.#skipSpace();
    if (this.#take("}")) return object;
    for (;;) {
      this.#requireKey();
      const start = this.#at;
      const key = this.#readString();
      if (Object.hasOwn(object, key)) {
        this.#at = start;
        const named = /^[\w-]{1,64}$/.test(key) ? `The key ${key}` : "A key";
        throw this.#mistake(`${named} appears here for the second time`);
      }
      this.#skipSpace();
      if (!this.#take(":")) throw this.#mistake(this.#atEnd() ? CUT_SHORT : "A colon is missing after the key");
      this.#skipSpace();
      const value = this.#readValue(depth + 1);
      if (key === "__proto__") Object.defineProperty(object, key, { value, enumerable: true });
      else object[key] = value;
      this.#skipSpace();
      if (this.#take("}")) return object;
      this.#requireComma("}");
    }
  }

  #readArray(depth: number): Json[] {
    const array: Json[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#take("]")) return array;
    for (;;) {
      array.push(this.#readValue(depth + 1));
      this.#skipSpace();
      if (this.#take("]")) return array;
      this.#requireComma("]");
    }
  }

  #requireKey(): void {
    const next = this.#text[this.#at];
    if (next === '"') return;
    if (next === undefined) throw this.#mistake(CUT_SHORT);
    if (next === "'") throw this.#mistake("A key is in single quotes. JSON takes double quotes");
    throw this.#mistake("A key in double quotes is due here");
  }

  #requireComma(closing: string): void {
    if (this.#take(",")) {
      const comma = this.#at - 1;
      this.#skipSpace();
      if (this.#text[this.#at] !== closing) return;
      this.#at = comma;
      throw this.#mistake("There is a trailing comma. Remove it");
    }
    if (this.#atEnd()) throw this.#mistake(CUT_SHORT);
    throw this.#mistake(`A comma or ${closing} is missing here`);
  }

  #readString(): string {
    const start = this.#at + 1;
    let escaped = false;
    for (let at = start; ; at++) {
      const code = this.#text.charCodeAt(at);
      if (code === 0x22) {
        this.#at = at + 1;
        return escaped ? this.#unescape(start - 1, at + 1) : this.#text.slice(start, at);
      }
      if (code === 0x5c) {
        escaped = true;
        at++;
      } else if (code < 0x20) {
        this.#at = at;
        throw this.#mistake("A string holds a raw control character (a line break or tab). Escape it or leave it out");
      } else if (Number.isNaN(code)) {
        this.#at = this.#text.length;
        throw this.#mistake(CUT_SHORT);
      }
    }
  }

  #unescape(from: number, to: number): string {
    try {
      const text: unknown = JSON.parse(this.#text.slice(from, to));
      if (typeof text === "string" && text.isWellFormed()) return text;
    } catch {
      // Told below.
    }
    this.#at = from;
    throw this.#mistake("A string holds a backslash escape that JSON does not have");
  }

  #readNumberOrWord(): Json {
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#text);
    if (number !== null && !/[\w.]/.test(this.#text[NUMBER.lastIndex] ?? "")) {
      this.#at = NUMBER.lastIndex;
      const [digits, fraction, exponent] = number;
      const value = Number(digits);
      if (fraction === undefined && exponent === undefined && !Number.isSafeInteger(value)) return BigInt(digits);
      return value;
    }
    WORD.lastIndex = this.#at;
    const word = WORD.exec(this.#text)?.[0];
    if (word === "true" || word === "false" || word === "null") {
      this.#at += word.length;
      return word === "null" ? null : word === "true";
    }
    throw this.#mistake(this.#explainValue(word));
  }

  #explainValue(word: string | undefined): string {
    const next = this.#text[this.#at];
    if (next === undefined) return CUT_SHORT;
    if (word !== undefined) return "A bare word is no JSON value. Put text in double quotes";
    if (next === "'") return "A string is in single quotes. JSON takes double quotes";
    if (next === "," || next === "}" || next === "]") return "A value is missing here";
    if (/[\d.+-]/.test(next)) return "This is not a JSON number. Write decimal digits without a leading zero or plus";
    return "A value is due here";
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  #mistake(what: string): Error {
    const before = this.#text.slice(0, this.#at);
    const line = before.split("\n").length;
    const column = this.#at - before.lastIndexOf("\n");
    return malformed(`not JSON at line ${line} column ${column}. ${what}`);
  }
}

const CUT_SHORT = "The body ends too early";

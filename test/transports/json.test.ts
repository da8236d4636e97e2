// The JSON reader against JSON.parse: whatever one reads, so does the other, but for the rules ours is stricter in.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Json, readJson } from "../../src/transports/json.ts";
import { refusalOf } from "../core/refusal.ts";

const read = (text: string): Json => readJson(Buffer.from(text, "utf8"));

/** Comparable text of a value; what is exact in ours is rounded as JSON.parse rounds it. */
function show(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? Number(part) : part));
}

const text = fc.string({ unit: "binary", maxLength: 12 });
const awkwardKey = fc.constantFrom("__proto__", "constructor", "hasOwnProperty", "toString", "0", "-1", "");
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(text, fc.boolean(), fc.constant(null), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.oneof(text, awkwardKey), tie("value"), { maxKeys: 4 }),
  ),
}));

describe("readJson", () => {
  test("reads whatever JSON.stringify writes, indented or not", () => {
    fc.assert(
      fc.property(anyValue, fc.constantFrom("", "\t", "\r\n  "), (value, indent) => {
        const written = JSON.stringify(value, null, indent);
        expect(show(read(written))).toBe(JSON.stringify(value));
      }),
      { numRuns: 500 },
    );
  });

  test("keeps a key __proto__ as a member, and changes no prototype", () => {
    const object = read('{"__proto__":{"device_key":"k"},"constructor":1}');
    expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
    expect(Object.keys(Object(object))).toEqual(["__proto__", "constructor"]);
    expect(Reflect.get(Object(object), "device_key")).toBeUndefined();
  });

  test("reads every whole number exactly", () => {
    fc.assert(
      fc.property(fc.oneof(fc.bigInt(), fc.bigInt({ min: -(2n ** 54n), max: 2n ** 54n })), (number) => {
        const value = read(String(number));
        expect(typeof value).toBe(Number.isSafeInteger(Number(number)) ? "number" : "bigint");
        expect(String(value)).toBe(String(number));
      }),
    );
    expect(read("9007199254740991")).toBe(9007199254740991);
    expect(read("9007199254740993")).toBe(9007199254740993n);
  });

  test("ignores a byte order mark", () => {
    expect(read('\ufeff{"a":1}')).toEqual({ a: 1 });
  });

  test("takes 64 levels, whatever is in the innermost", () => {
    for (const inside of ["", "1", '"text"', "null"]) {
      expect(() => read("[".repeat(64) + inside + "]".repeat(64))).not.toThrow();
    }
    expect(() => read(`${'{"a":'.repeat(64)}1${"}".repeat(64)}`)).not.toThrow();
  });

  test("refuses 65 levels, and survives 100,000", () => {
    const told = "not JSON at line 1 column 65. It nests deeper than 64 levels";
    for (const depth of [65, 100_000]) {
      expect(refusalOf(() => read("[".repeat(depth) + "]".repeat(depth))).message).toBe(told);
    }
    expect(refusalOf(() => read('{"a":'.repeat(100_000))).message).toContain("It nests deeper than 64 levels");
  });
});

describe("on text that may not be JSON", () => {
  /** The only reasons to refuse what JSON.parse takes. */
  const STRICTER = /key( [\w-]+)? appears here for the second time|It nests deeper|A string holds a backslash escape/;

  function agree(bytes: Uint8Array): void {
    const decoded = Buffer.from(bytes).toString("utf8");
    let parsed: string | undefined;
    try {
      parsed = show(JSON.parse(decoded.replace(/^\ufeff/, "")));
    } catch {
      // Not JSON, then.
    }
    const isUtf8 = Buffer.from(decoded).equals(Buffer.from(bytes));
    let ours: string;
    try {
      ours = show(readJson(bytes));
    } catch {
      const { reason, message } = refusalOf(() => readJson(bytes));
      expect(reason).toBe("malformed");
      expect(message).not.toMatch(/[;/?:@&=+$,#]/);
      if (parsed !== undefined && isUtf8) expect(message).toMatch(STRICTER);
      return;
    }
    expect(isUtf8).toBe(true);
    expect(ours).toBe(parsed);
  }

  test("agrees with JSON.parse on arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => agree(bytes)),
      { numRuns: 1_000 },
    );
  });

  test("agrees with JSON.parse on soups of what JSON is made of", () => {
    const pieces = [..."{}[]\":,-+.eE0123 \n\t\\'", "\\u", "d83d", "true", "null", "fals", '"a"', '"a":', "1", "1.5e3"];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (soup) => agree(Buffer.from(soup.join("")))),
      { numRuns: 5_000 },
    );
  });

  test("agrees with JSON.parse on JSON with one slip", () => {
    const slip = fc.constantFrom("", ",", '"', "'", "}", "]", ":", "\\", "\n", "0", "-", ".", "\0", "\u00e9", "\ud800");
    fc.assert(
      fc.property(anyValue, fc.nat(), fc.nat({ max: 2 }), slip, (value, place, removed, inserted) => {
        const written = JSON.stringify(value);
        const at = place % (written.length + 1);
        agree(Buffer.from(written.slice(0, at) + inserted + written.slice(at + removed)));
      }),
      { numRuns: 2_000 },
    );
  });
});

// JSON read strictly: the same as JSON.parse, but for names that come twice.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readStrictJson } from "../../src/verify/strict-json.ts";

const read = (text: string): object => readStrictJson(new TextEncoder().encode(text));

test("an object is what JSON.parse makes of it, however it is spaced", () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(object, fc.constantFrom(0, 1, "\t", "\n "), (value, space) => {
      const text = JSON.stringify(value, null, space);
      expect(JSON.stringify(read(text))).toBe(JSON.stringify(JSON.parse(text)));
    }),
  );
});

test("a name that comes twice is refused at any depth, however it is spelt", () => {
  const escaped = (name: string): string =>
    `"${[...Array(name.length).keys()].map((at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
  fc.assert(
    fc.property(
      fc.string(),
      fc.jsonValue(),
      fc.jsonValue(),
      fc.boolean(),
      fc.nat(5),
      (name, one, two, spell, depth) => {
        const second = spell ? escaped(name) : JSON.stringify(name);
        const inner = `{${JSON.stringify(name)}:${JSON.stringify(one)}, "between \\" {" : [{}] ,${second} :${JSON.stringify(two)}}`;
        const text = `${'{"a":['.repeat(depth)}${inner}${"]}".repeat(depth)}`;
        expect(() => read(text)).toThrow("it has a name twice");
      },
    ),
  );
});

test("one name in two objects is no fault", () => {
  expect(read('{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":{"a":[]}}')).toEqual({
    a: { a: 1 },
    b: [{ a: 1 }, { a: 2 }],
    c: { a: [] },
  });
});

test.each(["[]", "null", "1", '"a"', "", "{", "{}{}", "\ufeff{}", "{'a':1}", '{"a":1,}'])("%j is no object", (text) => {
  expect(() => read(text)).toThrow();
});

test("what is no UTF-8 is refused", () => {
  expect(() => readStrictJson(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))).toThrow(TypeError);
});

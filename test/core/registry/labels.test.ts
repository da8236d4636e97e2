// Labels of devices.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readLabels } from "../../../src/core/registry/labels.ts";
import { refusalOf } from "../refusal.ts";

const names = fc.stringMatching(/^[A-Za-z0-9._-]{1,63}$/);
const values = fc.string({ maxLength: 63 }).filter((text) => !/[;\p{Cc}\p{Cs}]/u.test(text));

test("gives labels back in one order, whatever order they come in", () => {
  const entries = fc.uniqueArray(fc.tuple(names, values), { maxLength: 32, selector: ([name]) => name });
  fc.assert(
    fc.property(entries, (list) => {
      const read = readLabels(Object.fromEntries(list));
      const reversed = readLabels(Object.fromEntries(list.toReversed()));
      expect(JSON.stringify(read)).toBe(JSON.stringify(reversed));
      expect(new Map(Object.entries(read))).toEqual(new Map(list));
    }),
  );
});

test("accepts a label named like a member of Object.prototype", () => {
  const labels = readLabels(JSON.parse('{"__proto__": "x", "constructor": "y"}'));
  expect(JSON.stringify(labels)).toBe('{"__proto__":"x","constructor":"y"}');
});

test.for<[Readonly<Record<string, string>>, string]>([
  [{ "": "x" }, "label 1 has no name"],
  [
    { a: "x", "a b": "x" },
    "label 2 has a name that is not of 1 to 63 letters and digits and dots and underscores and hyphens",
  ],
  [{ ä: "x" }, "label 1 has a name that is not of 1 to 63 letters and digits and dots and underscores and hyphens"],
  [
    { ["x".repeat(64)]: "" },
    "label 1 has a name that is not of 1 to 63 letters and digits and dots and underscores and hyphens",
  ],
  [{ a: "x".repeat(64) }, "label 1 has a value of 64 characters. It has at most 63"],
  [{ a: "x;y" }, "label 1 has a semicolon in its value. Take it out"],
  [{ a: "x\ny" }, "label 1 has a control character in its value. Take it out"],
  [{ a: "\ud800" }, "label 1 has a control character in its value. Take it out"],
  [
    Object.fromEntries(Array.from({ length: 33 }, (_, place) => [`l${place}`, ""])),
    "labels has 33 entries. It has at most 32",
  ],
])("refuses %j", ([labels, message]) => {
  const refusal = refusalOf(() => readLabels(labels));
  expect(refusal.reason).toBe("malformed");
  expect(refusal.message).toBe(message);
  expect(refusal.particulars).toEqual({ field: "labels" });
});

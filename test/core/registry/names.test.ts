// Names and labels in the registry, as operators give them.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  readCustomerId,
  readDisplayName,
  readEnrolledDeviceKey,
  readLabels,
} from "../../../src/core/registry/names.ts";
import { refusalOf } from "../refusal.ts";

describe("customer_id", () => {
  test.for(["a", "0", "acme", "a-b-", "0123456789abcdef", "a".repeat(16)])("takes %s", (text) => {
    expect(readCustomerId(text)).toBe(text);
  });

  test.for(["a".repeat(17), "-a", "A", "a_b", "a.b", "a b", "ä", "a\n", "a/b", "\0", "*"])("refuses %j", (text) => {
    const refusal = refusalOf(() => readCustomerId(text));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.details).toEqual({ field: "customer_id" });
    expect(refusal.message).toBe(
      "customer_id is not of 1 to 16 small letters and digits and hyphens with no hyphen at the start",
    );
  });

  test("says that it is missing", () => {
    expect(refusalOf(() => readCustomerId("")).message).toBe("customer_id is missing");
  });
});

describe("device_key", () => {
  test("takes what a login takes", () => {
    for (const text of ["a", "!~", "x".repeat(96), '"'.repeat(48)]) expect(readEnrolledDeviceKey(text)).toBe(text);
    expect(refusalOf(() => readEnrolledDeviceKey("")).message).toBe("device_key is missing or empty");
    expect(refusalOf(() => readEnrolledDeviceKey("x".repeat(97))).details).toEqual({ field: "device_key" });
  });

  test("refuses one that would make a token too long", () => {
    const refusal = refusalOf(() => readEnrolledDeviceKey('\\"'.repeat(25)));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.message).toBe(
      "device_key takes 100 characters in a token because of its quotes and backslashes. It may take 96",
    );
  });
});

describe("display_name", () => {
  test.for(["", "Pump 7 / north; #1", "漢字 🚰", "x".repeat(200)])("takes %j", (text) => {
    expect(readDisplayName(text)).toBe(text);
  });

  test.for([
    ["x".repeat(201), "display_name has 201 characters. It has at most 200"],
    ["a\nb", "display_name has a control character at place 2. Take it out"],
    ["\0", "display_name has a control character at place 1. Take it out"],
    ["ab\x7f", "display_name has a control character at place 3. Take it out"],
    ["a\ud83d", "display_name has a control character at place 2. Take it out"],
  ])("refuses %j", ([text = "", message]) => {
    const refusal = refusalOf(() => readDisplayName(text));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.message).toBe(message);
    expect(refusal.details).toEqual({ field: "display_name" });
  });
});

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
  expect(refusal.details).toEqual({ field: "labels" });
});

// device_key: its form, and the error for each mistake.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readDeviceKey } from "../../src/core/login-fields.ts";
import { caughtError, expectHarmless } from "./caught-error.ts";

const MISSING = "device_key is missing or empty";
const LENGTH = "device_key has N characters. It has at most 96";
const CHARACTER = "device_key has a character that is not visible ASCII at position N";
const sentences = [MISSING, LENGTH, CHARACTER];

const good = fc.stringMatching(/^[\x21-\x7e]{1,96}$/);

test("takes 1 to 96 visible ASCII characters as they are", () => {
  fc.assert(
    fc.property(good, (text) => {
      expect(readDeviceKey(text)).toBe(text);
    }),
  );
  expect(readDeviceKey("~".repeat(96))).toBe("~".repeat(96));
});

const at = (position: number): string => CHARACTER.replace("N", String(position));

test.for([
  ["", MISSING],
  ["k".repeat(97), LENGTH.replace("N", "97")],
  ["my device", at(3)],
  [" device", at(1)],
  ["device\n", at(7)],
  ["de\0vice", at(3)],
  ["d\x7f", at(2)],
  ["gerät", at(4)],
  ["🔑key", at(1)],
  // An emoji counts once.
  ["a🔑 ", at(2)],
  ["key\ud83d", at(4)],
])("names the mistake in %j", ([text = "", message]) => {
  const error = caughtError(() => readDeviceKey(text));
  expect(error).toMatchObject({ message, reason: "malformed", details: { field: "device_key" } });
});

test("rejects everything else, without repeating it", () => {
  const invalid = fc
    .tuple(good, fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), good)
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), invalid), (text) => {
      fc.pre(!/^[\x21-\x7e]{1,96}$/.test(text));
      const error = caughtError(() => readDeviceKey(text));
      expectHarmless(error, text, sentences);
    }),
    { numRuns: 200 },
  );
});

// device_key: its shape, and every mistake by its name.

import fc from "fast-check";
import { expect, test } from "vitest";
import { readDeviceKey } from "../../src/core/device-key.ts";
import { expectHarmless, refusalOf } from "./refusal.ts";

const MISSING = "device_key is missing or empty";
const LENGTH = "device_key has N characters. It has at most 96";
const CHARACTER = "device_key has a character that is not visible ASCII at place N";
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

test.for([
  { mistake: "empty", text: "", message: MISSING },
  { mistake: "97 characters", text: "k".repeat(97), message: LENGTH.replace("N", "97") },
  { mistake: "a space in it", text: "my device", message: CHARACTER.replace("N", "3") },
  { mistake: "a space before it", text: " device", message: CHARACTER.replace("N", "1") },
  { mistake: "a line feed after it", text: "device\n", message: CHARACTER.replace("N", "7") },
  { mistake: "a zero byte", text: "de\0vice", message: CHARACTER.replace("N", "3") },
  { mistake: "a delete character", text: "d\x7f", message: CHARACTER.replace("N", "2") },
  { mistake: "a letter beyond ASCII", text: "gerät", message: CHARACTER.replace("N", "4") },
  { mistake: "an emoji first", text: "🔑key", message: CHARACTER.replace("N", "1") },
  { mistake: "an emoji before the culprit counts once", text: "a🔑 ", message: CHARACTER.replace("N", "2") },
  { mistake: "half of an emoji", text: "key\ud83d", message: CHARACTER.replace("N", "4") },
])("names the mistake: $mistake", ({ text, message }) => {
  const refusal = refusalOf(() => readDeviceKey(text));
  expect(refusal.message).toBe(message);
  expect(refusal.reason).toBe("malformed");
  expect(refusal.details).toEqual({ field: "device_key" });
});

test("refuses everything else, with a sentence that repeats none of it", () => {
  const spoilt = fc
    .tuple(good, fc.string({ unit: "binary", minLength: 1, maxLength: 3 }), good)
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), spoilt), (text) => {
      fc.pre(!/^[\x21-\x7e]{1,96}$/.test(text));
      expectHarmless(
        refusalOf(() => readDeviceKey(text)),
        text,
        sentences,
      );
    }),
    { numRuns: 200 },
  );
});

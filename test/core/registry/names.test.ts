// Names and labels of the registry, as operators write them.

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  readCustomerId,
  readDisplayName,
  readEnrolledDeviceKey,
  readLabels,
} from "../../../src/core/registry/names.ts";
import { caughtError } from "../caught-error.ts";

test.for([
  [readCustomerId, ["a", "0", "acme", "a-b-", "0123456789abcdef"]],
  [readEnrolledDeviceKey, ["a", "!~", "x".repeat(96), '"'.repeat(48)]],
  [readDisplayName, ["", "Pump 7 / north; #1", "漢字 🚰", "x".repeat(200)]],
] as const)("%o takes %j", ([read, texts]) => {
  for (const text of texts) expect(read(text)).toBe(text);
});

const WRONG_ID =
  "customer_id is malformed. Send 1 to 16 lower-case letters and digits and hyphens. Start with a letter or digit";
const WRONG_IDS = ["a".repeat(17), "-a", "A", "a_b", "a.b", "a b", "ä", "a\n", "a/b", "\0", "*"];
const TOO_WIDE = "device_key takes 100 characters in a token because of its quotes and backslashes. It may take 96";

type WrongText = [read: (text: string) => string, text: string, message: string];

test.for<WrongText>([
  ...WRONG_IDS.map((id): WrongText => [readCustomerId, id, WRONG_ID]),
  [readCustomerId, "", "customer_id is missing"],
  [readEnrolledDeviceKey, '\\"'.repeat(25), TOO_WIDE],
  [readDisplayName, "x".repeat(201), "display_name has 201 characters. Send at most 200"],
  [readDisplayName, "a\nb", "display_name has a control character at position 2. Remove it"],
  [readDisplayName, "\0", "display_name has a control character at position 1. Remove it"],
  [readDisplayName, "ab\x7f", "display_name has a control character at position 3. Remove it"],
  [readDisplayName, "a\ud83d", "display_name has a control character at position 2. Remove it"],
])("%o refuses %j", ([read, text, message]) => {
  const error = caughtError(() => read(text));
  const field = message.split(" ")[0];
  expect([error.reason, error.message, error.details]).toEqual(["malformed", message, { field }]);
});

/** Names of labels; two of them are members of Object.prototype. */
const names = fc.oneof(fc.stringMatching(/^[A-Za-z0-9._-]{1,63}$/), fc.constantFrom("__proto__", "constructor"));
const values = fc.string({ maxLength: 63 }).filter((text) => !/[;\p{Cc}\p{Cs}]/u.test(text));

test("returns labels in the same order for every order of the input", () => {
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

const WRONG_NAME = "has a name that is not of 1 to 63 letters and digits and dots and underscores and hyphens";

test.for<[labels: Readonly<Record<string, string>>, message: string]>([
  [{ "": "x" }, "label 1 has no name"],
  [{ a: "x", "a b": "x" }, `label 2 ${WRONG_NAME}`],
  [{ ä: "x" }, `label 1 ${WRONG_NAME}`],
  [{ ["x".repeat(64)]: "" }, `label 1 ${WRONG_NAME}`],
  [{ a: "x".repeat(64) }, "label 1 has a value of 64 characters. Send at most 63"],
  [{ a: "x;y" }, "label 1 has a semicolon in its value. Remove it"],
  [{ a: "x\ny" }, "label 1 has a control character in its value. Remove it"],
  [{ a: "\ud800" }, "label 1 has a control character in its value. Remove it"],
  [Object.fromEntries(Array.from({ length: 33 }, (_, name) => [name, ""])), "labels has 33 entries. Send at most 32"],
])("refuses the labels %j", ([labels, message]) => {
  const error = caughtError(() => readLabels(labels));
  expect([error.reason, error.message, error.details]).toEqual(["malformed", message, { field: "labels" }]);
});

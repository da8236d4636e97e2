// The JSON parser agrees with JSON.parse and locates each mistake.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../src/protocols/json.ts";
import { caughtError } from "../core/caught-error.ts";

const parse = (text: string): unknown => parseJson(Buffer.from(text));

test("parses everything that JSON.stringify writes, indented or not", () => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: "binary" }), fc.constantFrom("", "\t", "\r\n  "), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parse(text)).toEqual(JSON.parse(text));
    }),
  );
});

test("ignores a byte order mark, which moves no column", () => {
  expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 });
  expect(caughtError(() => parse("\ufeff[1 2]")).message).toMatch("at line 1 column 4");
});

test("takes the last of duplicate members", () => {
  expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 });
});

test("survives 100,000 levels", () => {
  expect(caughtError(() => parse("[".repeat(100_000))).message).toBe("not JSON. It nests too deep");
});

test("finds a mistake in every text that JSON.parse refuses, and in no other", () => {
  const pieces = [..."{}[]\":,-+.eE0123 \n\t\\'é", "\\u", "00e9", "true", "null", "fals", '"a"', '"a":', "1.5e3", "\0"];
  const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((all) => all.join(""));
  const damaged = fc
    .tuple(fc.json(), fc.nat(), fc.nat({ max: 2 }), fc.constantFrom("", ...pieces))
    .map(([text, position, removed, inserted]) => {
      const at = position % (text.length + 1);
      return text.slice(0, at) + inserted + text.slice(at + removed);
    });
  fc.assert(
    fc.property(fc.oneof(soup, damaged, fc.string({ unit: "binary" })), (raw) => {
      const text = raw.toWellFormed().replace(/^\ufeff+/, "");
      let expected: unknown;
      try {
        expected = JSON.parse(text);
      } catch {
        const { reason, message } = caughtError(() => parse(text));
        expect(reason).toBe("malformed");
        expect(message).toMatch(/^not JSON at line \d+ column \d+\. [A-Z]|^the body is empty\. /);
        expect(SENTENCES).toContain(message.replace(/^not JSON at line \d+ column \d+\. /, ""));
        return;
      }
      expect(parse(text)).toEqual(expected);
    }),
    { numRuns: 1_000 },
  );
});

const CUT = "The body ends too early";
const QUOTED = "Text is in single quotes. JSON takes double quotes";
const BARE = "A bare word is not a JSON value. Put text in double quotes";
const NUMBER = "This is not a JSON number. Write decimal digits without a leading zero or plus";
const ESCAPE = "A string holds a backslash escape that JSON does not have";
const CONTROL = "A string holds a raw control character (a line break or tab). Escape it or leave it out";
const KEY = "A key in double quotes is expected here";
const COMMA = "A comma or a closing bracket is missing here";
const TRAILING = "There is a trailing comma. Remove it";
const COLON = "A colon is missing after the key";
const VALUE = "A value is missing here";
const COMMENT = "JSON has no comments";
const MORE = "There is text after the end of the JSON value";
const PLACE = "A character is out of place here";
const NOT_UTF8 = "the body is not valid UTF-8. JSON is always UTF-8";
const EMPTY = "the body is empty. Send a JSON object";
const VALUES = [CUT, QUOTED, BARE, NUMBER, ESCAPE, CONTROL, KEY, COMMA, TRAILING, COLON, VALUE, COMMENT, MORE, PLACE];
const SENTENCES = [...VALUES, EMPTY];

describe("a mistake is named with its line and column", () => {
  test.for<readonly [mistake: string, text: string, line: number, column: number, sentence: string]>([
    ["the PHP sample's trailing comma", '{\n  "a": 1,\n}', 2, 9, TRAILING],
    ["a trailing comma in an array", "[1, 2 ,]", 1, 7, TRAILING],
    ["the curl sample's missing comma", '{"a": 1\n "b": 2}', 2, 2, COMMA],
    ["a string in single quotes", "{\"a\": 'b'}", 1, 7, QUOTED],
    ["a key without quotes", "{a: 1}", 1, 2, BARE],
    ["a form instead of JSON", "device_key=k&timestamp=1", 1, 1, BARE],
    ["-Infinity", "[-Infinity]", 1, 2, NUMBER],
    ["a leading zero", '{"a": 01}', 1, 8, NUMBER],
    ["a leading point", '{"a": .5}', 1, 7, NUMBER],
    ["a point without digits", '{"a": 5.}', 1, 7, NUMBER],
    ["a number with a unit", '{"a": 16s}', 1, 9, NUMBER],
    ["a missing value", '{"a": }', 1, 7, VALUE],
    ["a missing colon", '{"a" 1}', 1, 6, COLON],
    ["a comment", '{"a": /* b */ 1}', 1, 7, COMMENT],
    ["a second value", '{"a": 1} {"b": 2}', 1, 10, MORE],
    ["a zero byte at the end, as in C", '{"a": 1}\0', 1, 9, PLACE],
    ["only an opening brace", "{", 1, 2, CUT],
    ["cut after a comma", '{"a": 1,\n', 2, 1, CUT],
    ["cut in an escape", '{"a": "b\\', 1, 7, CUT],
    ["a raw line break in a string", '{"a": "b\nc"}', 1, 7, CONTROL],
    ["a raw zero byte in a string", '["\0"]', 1, 2, CONTROL],
    ["an unknown escape", '{"a": "\\x41"}', 1, 7, ESCAPE],
    ["an escape cut in its digits", '["\\u12"]', 1, 2, ESCAPE],
    ["a mistake after an emoji of two UTF-16 units", '["🔑" 2]', 1, 7, COMMA],
  ])("%s", ([, text, line, column, sentence]) => {
    const { reason, message, details } = caughtError(() => parse(text));
    expect([reason, message]).toEqual(["malformed", `not JSON at line ${line} column ${column}. ${sentence}`]);
    expect(details).toEqual({});
    expect(message).not.toMatch(/[;/?:@&=+$,#]/);
  });
});

test.for([" \r\n\t ", ""])("an empty or blank body is named: %j", (text) => {
  expect(caughtError(() => parse(text)).message).toBe(EMPTY);
});

test.for([
  Buffer.from('{"a":"é"}', "latin1"),
  Buffer.from("\ufeff{}", "utf16le"),
  Buffer.of(0x22, 0xc0, 0xaf, 0x22),
  Buffer.of(0x22, 0xed, 0xa0, 0x80, 0x22),
])("bytes that are not UTF-8 are named: %j", (bytes) => {
  expect(caughtError(() => parseJson(bytes)).message).toBe(NOT_UTF8);
});

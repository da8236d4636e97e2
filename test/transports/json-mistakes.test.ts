// The JSON reader on mistakes: what each is called, and the line and column it is at.

import { expect, test } from "vitest";
import { readJson } from "../../src/transports/json.ts";
import { refusalOf } from "../core/refusal.ts";

const CUT = "The body ends too early";
const QUOTED = "A string is in single quotes. JSON takes double quotes";
const BARE = "A bare word is no JSON value. Put text in double quotes";
const NUMBER = "This is not a JSON number. Write decimal digits without a leading zero or plus";
const ESCAPE = "A string holds a backslash escape that JSON does not have";
const CONTROL = "A string holds a raw control character (a line break or tab). Escape it or leave it out";
const KEY = "A key in double quotes is due here";
const COMMA = "A comma or } is missing here";
const TRAILING = "There is a trailing comma. Remove it";
const MORE = "There is more after the end of the JSON value";

test.for([
  { mistake: "the PHP sample's trailing comma", text: '{\n  "a": 1,\n}', line: 2, column: 9, what: TRAILING },
  { mistake: "a trailing comma in an array", text: "[1, 2 ,]", line: 1, column: 7, what: TRAILING },
  { mistake: "the curl sample's missing comma", text: '{"a": 1\n "b": 2}', line: 2, column: 2, what: COMMA },
  { mistake: "a missing comma in an array", text: "[1 2]", line: 1, column: 4, what: "A comma or ] is missing here" },
  { mistake: "a key in single quotes", text: "{'a': 1}", line: 1, column: 2, what: QUOTED.replace("string", "key") },
  { mistake: "a string in single quotes", text: "{\"a\": 'b'}", line: 1, column: 7, what: QUOTED },
  { mistake: "a key without quotes", text: "{a: 1}", line: 1, column: 2, what: KEY },
  { mistake: "a string without quotes", text: '{"a": b}', line: 1, column: 7, what: BARE },
  { mistake: "a form instead of JSON", text: "device_key=k&timestamp=1", line: 1, column: 1, what: BARE },
  { mistake: "True", text: '{"a": True}', line: 1, column: 7, what: BARE },
  { mistake: "undefined", text: '{"a": undefined}', line: 1, column: 7, what: BARE },
  { mistake: "NaN", text: '{"a": NaN}', line: 1, column: 7, what: BARE },
  { mistake: "-Infinity", text: "[-Infinity]", line: 1, column: 2, what: NUMBER },
  { mistake: "a leading zero", text: '{"a": 01}', line: 1, column: 7, what: NUMBER },
  { mistake: "a leading plus", text: '{"a": +1}', line: 1, column: 7, what: NUMBER },
  { mistake: "a leading point", text: '{"a": .5}', line: 1, column: 7, what: NUMBER },
  { mistake: "a point and nothing", text: '{"a": 5.}', line: 1, column: 7, what: NUMBER },
  { mistake: "an exponent and nothing", text: '{"a": 5e}', line: 1, column: 7, what: NUMBER },
  { mistake: "hex", text: '{"a": 0x10}', line: 1, column: 7, what: NUMBER },
  { mistake: "a number with a unit", text: '{"a": 16s}', line: 1, column: 7, what: NUMBER },
  { mistake: "a missing value", text: '{"a": }', line: 1, column: 7, what: "A value is missing here" },
  { mistake: "two commas", text: "[1,,2]", line: 1, column: 4, what: "A value is missing here" },
  { mistake: "a missing colon", text: '{"a" 1}', line: 1, column: 6, what: "A colon is missing after the key" },
  { mistake: "a comment", text: '{"a": /* b */ 1}', line: 1, column: 7, what: "A value is due here" },
  {
    mistake: "a key for the second time",
    text: '{"a": 1,\n"a": 1}',
    line: 2,
    column: 1,
    what: "The key a appears here for the second time",
  },
  {
    mistake: "a key for the second time, escaped",
    text: '{"a":1,"\\u0061":1}',
    line: 1,
    column: 8,
    what: "The key a appears here for the second time",
  },
  {
    mistake: "__proto__ for the second time",
    text: '{"__proto__":1,"__proto__":1}',
    line: 1,
    column: 16,
    what: "The key __proto__ appears here for the second time",
  },
  ...["a b", "", "a;", "é", "k".repeat(65)].map((key) => ({
    mistake: `a key that is not shown, for the second time, ${key.slice(0, 3)}`,
    text: `{${JSON.stringify(key)}:1,\n${JSON.stringify(key)}:1}`,
    line: 2,
    column: 1,
    what: "A key appears here for the second time",
  })),
  { mistake: "a second value", text: '{"a": 1} {"b": 2}', line: 1, column: 10, what: MORE },
  { mistake: "a closing brace too many", text: '{"a": 1}}', line: 1, column: 9, what: MORE },
  { mistake: "a zero byte at the end, as C counts", text: '{"a": 1}\0', line: 1, column: 9, what: MORE },
  { mistake: "an opening brace and nothing", text: "{", line: 1, column: 2, what: CUT },
  { mistake: "cut in a key", text: '{"devi', line: 1, column: 7, what: CUT },
  { mistake: "cut after a key", text: '{"a"', line: 1, column: 5, what: CUT },
  { mistake: "cut after a colon", text: '{"a": ', line: 1, column: 7, what: CUT },
  { mistake: "cut after a value", text: '{"a": 1', line: 1, column: 8, what: CUT },
  { mistake: "cut after a comma", text: '{"a": 1,\n', line: 2, column: 1, what: CUT },
  { mistake: "cut in a string", text: '{"a": "b', line: 1, column: 9, what: CUT },
  { mistake: "cut in an escape", text: '{"a": "b\\', line: 1, column: 10, what: CUT },
  { mistake: "cut in an array", text: "[1", line: 1, column: 3, what: CUT },
  { mistake: "a raw line break in a string", text: '{"a": "b\nc"}', line: 1, column: 9, what: CONTROL },
  { mistake: "a raw zero byte in a string", text: '["\0"]', line: 1, column: 3, what: CONTROL },
  { mistake: "the last control character", text: '["\x1f"]', line: 1, column: 3, what: CONTROL },
  { mistake: "a raw tab in a key", text: '{"a\tb": 1}', line: 1, column: 4, what: CONTROL },
  { mistake: "an escape that is none", text: '{"a": "\\x41"}', line: 1, column: 7, what: ESCAPE },
  { mistake: "half of an emoji", text: '{"a": "\\ud83d"}', line: 1, column: 7, what: ESCAPE },
])("names the mistake and its place: $mistake", ({ text, line, column, what }) => {
  const refusal = refusalOf(() => readJson(Buffer.from(text)));
  expect(refusal.message).toBe(`not JSON at line ${line} column ${column}. ${what}`);
  expect(refusal.reason).toBe("malformed");
  expect(refusal.particulars).toEqual({});
});

test.for([
  { mistake: "empty", bytes: [], message: "the body is empty. Send a JSON object" },
  { mistake: "blank", bytes: [...Buffer.from(" \r\n\t ")], message: "the body is blank. Send a JSON object" },
  { mistake: "a byte order mark alone", bytes: [0xef, 0xbb, 0xbf], message: "the body is blank. Send a JSON object" },
  {
    mistake: "Latin-1",
    bytes: [...Buffer.from('{"a":"é"}', "latin1")],
    message: "the body is not valid UTF-8. JSON is always UTF-8",
  },
  {
    mistake: "UTF-16",
    bytes: [0xff, 0xfe, ...Buffer.from("{}", "utf16le")],
    message: "the body is not valid UTF-8. JSON is always UTF-8",
  },
  {
    mistake: "an overlong slash",
    bytes: [0x22, 0xc0, 0xaf, 0x22],
    message: "the body is not valid UTF-8. JSON is always UTF-8",
  },
  {
    mistake: "a raw surrogate",
    bytes: [0x22, 0xed, 0xa0, 0x80, 0x22],
    message: "the body is not valid UTF-8. JSON is always UTF-8",
  },
])("names what is not even text to look at: $mistake", ({ bytes, message }) => {
  const refusal = refusalOf(() => readJson(Uint8Array.from(bytes)));
  expect([refusal.reason, refusal.message]).toEqual(["malformed", message]);
});

test("a byte order mark moves no column", () => {
  expect(refusalOf(() => readJson(Buffer.from("\ufeff[1 2]"))).message).toMatch("at line 1 column 4");
});

test("a column counts UTF-16 units, as editors do", () => {
  expect(refusalOf(() => readJson(Buffer.from('["🔑" 2]'))).message).toMatch("at line 1 column 7");
});

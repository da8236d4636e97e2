// Parses a JSON body, and names the mistake in a malformed one.

import type { JsonValue } from "@bufbuild/protobuf";
import { type ParseError, parse, printParseErrorCode } from "jsonc-parser";
import { type AuthError, malformed } from "../core/errors.ts";

/** Drops a byte order mark (RFC 8259, section 8.1). */
const UTF8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Parses one JSON value. The last of duplicate members counts.
 * @throws AuthError `malformed`, with line and column (from 1, in UTF-16 code units); the message repeats no input
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const text = decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    throw findMistake(text);
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    throw malformed("the body is not valid UTF-8. JSON is always UTF-8");
  }
}

function findMistake(text: string): AuthError {
  if (text.trim() === "") return malformed("the body is empty. Send a JSON object");
  const errors: ParseError[] = [];
  try {
    parse(text, errors, { disallowComments: true });
  } catch {
    return malformed("not JSON. It nests too deep");
  }
  const [{ error, offset } = { error: 0, offset: 0 }] = errors;
  const comma = /,\s*$/.exec(text.slice(0, offset));
  const isTrailing = comma !== null && /[}\]]/.test(text[offset] ?? "");
  const at = isTrailing ? comma.index : offset;
  const before = text.slice(0, at);
  const position = `line ${before.split("\n").length} column ${at - before.lastIndexOf("\n")}`;
  return malformed(
    `not JSON at ${position}. ${isTrailing ? TRAILING_COMMA : explain(printParseErrorCode(error), text, at)}`,
  );
}

const TRAILING_COMMA = "There is a trailing comma. Remove it";
const NOT_A_NUMBER = "This is not a JSON number. Write decimal digits without a leading zero or plus";
const CUT_SHORT = "The body ends too early";
const CONTROL = "A string holds a raw control character (a line break or tab). Escape it or leave it out";

/** By the parser's own error codes. */
const MISTAKES: Readonly<Record<string, string>> = {
  PropertyNameExpected: "A key in double quotes is expected here",
  ValueExpected: "A value is missing here",
  ColonExpected: "A colon is missing after the key",
  CommaExpected: "A comma or a closing bracket is missing here",
  CloseBraceExpected: CUT_SHORT,
  CloseBracketExpected: CUT_SHORT,
  EndOfFileExpected: "There is text after the end of the JSON value",
  InvalidCommentToken: "JSON has no comments",
  UnexpectedEndOfNumber: NOT_A_NUMBER,
  InvalidUnicode: "A string holds a backslash escape that JSON does not have",
  InvalidEscapeCharacter: "A string holds a backslash escape that JSON does not have",
};

function explain(code: string, text: string, at: number): string {
  const [before = "", next] = [text[at - 1], text[at]];
  if (next === undefined) return CUT_SHORT;
  if (next === "'") return "Text is in single quotes. JSON takes double quotes";
  if (/[.+-]/.test(next) || (/\d/.test(before) && /\w/.test(next))) return NOT_A_NUMBER;
  // A string is cut by the end of the text or by a raw line break.
  if (code === "UnexpectedEndOfString" && !/[\n\r]/.test(text.slice(at))) return CUT_SHORT;
  if (code !== "InvalidSymbol") return MISTAKES[code] ?? CONTROL;
  if (/[A-Za-z_$]/.test(next)) return "A bare word is not a JSON value. Put text in double quotes";
  return "A character is out of place here";
}

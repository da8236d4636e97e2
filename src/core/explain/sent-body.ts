// A body as a device sent it: what it is wrapped in, and the names and values in it. Knows JSON, and no field of a login.

import { type Finding, finding } from "./findings.ts";
import { type Pair, scanPairs } from "./pair-scan.ts";

export interface SentBody {
  /** Without what it is wrapped in as a whole. */
  readonly text: string;
  readonly pairs: readonly Pair[];
  /** What keeps it from being the JSON of an object, as far as that can be told. */
  readonly mistakes: readonly Finding[];
  /** It is JSON as it was sent. */
  readonly isJson: boolean;
}

/** Reads a body's text. Where it `isCut`, what it lacks at its end is no mistake of the device. */
export function readSentBody(sent: string, isCut: boolean): SentBody {
  const isJson = parseJson(sent) !== undefined;
  const trimmed = sent.trim();
  const inner = trimmed.startsWith('"') ? parseJson(trimmed) : undefined;
  if (typeof inner === "string" && inner.includes('"')) {
    return { text: inner, pairs: scanPairs(inner).pairs, mistakes: [finding("double_encoded")], isJson };
  }
  if (!isJson && hasEscapedQuotes(trimmed)) {
    const text = trimmed.replaceAll('\\"', '"');
    return { text, pairs: scanPairs(text).pairs, mistakes: [finding("escaped_quotes")], isJson };
  }
  if (/^[^{}="]+=[^{}"]*&/.test(trimmed)) {
    const pairs = [...new URLSearchParams(trimmed)].map(([name, value]) => ({ name, value, from: 0, to: 0 }));
    return { text: sent, pairs, mistakes: [finding("form_encoded")], isJson };
  }
  const { pairs, mistakes } = scanPairs(sent);
  return { text: sent, pairs, mistakes: isJson || isCut ? [] : mistakes, isJson };
}

/** JSON has a backslash within strings alone. */
function hasEscapedQuotes(text: string): boolean {
  return /^'?\{/.test(text) && text.replace(/"(?:[^"\\]|\\[\s\S])*"?/g, "").includes("\\");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

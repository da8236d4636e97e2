// Finds names and values in text that is nearly JSON, and the mistakes that keep it from being JSON. Knows no message.

import { type Finding, finding } from "./findings.ts";

export interface Pair {
  readonly name: string;
  readonly value: string;
  /** Where the value stands in the text, quotes included. */
  readonly from: number;
  readonly to: number;
}

export interface PairScan {
  readonly pairs: readonly Pair[];
  /** In the order of the text. */
  readonly mistakes: readonly Finding[];
}

interface Token {
  readonly kind: "text" | "mark";
  readonly text: string;
  /** Its first character in the source: a quote where it has some. */
  readonly opening: string;
  readonly closed: boolean;
  readonly from: number;
  readonly to: number;
}

/** No alternative begins as another does: the time it takes is that of the text's length. */
const TOKEN = /\s*(?:"((?:[^"\\]|\\[\s\S])*)("?)|'((?:[^'\\]|\\[\s\S])*)('?)|([{}[\],:=])|([^\s{}[\],:="']+))/y;

/** Scans text; a pair is a name, a colon or an equals sign, and a value that is no object. */
export function scanPairs(text: string): PairScan {
  const tokens = readTokens(text);
  const pairs: Pair[] = [];
  const mistakes: Finding[] = [];
  const note = (code: "missing_comma" | "trailing_comma" | "single_quotes" | "unquoted_name", token: Token): void => {
    if (mistakes.some((mistake) => mistake.code === code)) return;
    const before = text.slice(0, token.from);
    mistakes.push(finding(code, before.split("\n").length, token.from - before.lastIndexOf("\n")));
  };

  for (const [place, token] of tokens.entries()) {
    const next = tokens[place + 1];
    if (token.kind === "mark") {
      if (token.text === "," && next?.kind === "mark" && /[}\]]/.test(next.text)) note("trailing_comma", token);
      continue;
    }
    const isName = next?.kind === "mark" && /[:=]/.test(next.text);
    if (token.opening === "'") note("single_quotes", token);
    else if (token.opening !== '"' && isName) note("unquoted_name", token);
    if (!isName) {
      // A value that another text follows at once, or the comma-less name of the next pair.
      if (next?.kind === "text") note("missing_comma", next);
      continue;
    }
    const value = tokens[place + 2];
    if (value?.kind === "text") {
      pairs.push({ name: unescaped(token), value: unescaped(value), from: value.from, to: value.to });
    }
  }
  if (isCutShort(tokens)) mistakes.push(finding("cut_short", text.length));
  return { pairs, mistakes };
}

function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  TOKEN.lastIndex = 0;
  for (let match = TOKEN.exec(text); match !== null; match = TOKEN.exec(text)) {
    const [all, double, doubleEnd, single, singleEnd, mark, word = ""] = match;
    const to = match.index + all.length;
    const from = match.index + (all.length - all.trimStart().length);
    const quoted = double ?? single;
    tokens.push({
      kind: mark === undefined ? "text" : "mark",
      text: quoted ?? mark ?? word,
      opening: text[from] ?? "",
      closed: quoted === undefined || (doubleEnd ?? singleEnd) !== "",
      from,
      to,
    });
  }
  return tokens;
}

/** What escapes stand for; a text whose escapes are none of JSON's as it is. */
function unescaped({ text, opening }: Token): string {
  if (opening !== '"' || !text.includes("\\")) return text;
  try {
    return String(JSON.parse(`"${text}"`));
  } catch {
    return text;
  }
}

function isCutShort(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1);
  if (last === undefined || tokens[0]?.text !== "{") return false;
  return !last.closed || last.kind === "text" || !/[}\]]/.test(last.text);
}

// How the parts of a login's message may have been put together. Knows no key, and not what the parts are.

import { type Finding, finding } from "./findings.ts";

/** A text that may have been signed, or a part of one. */
export interface SignedText {
  readonly text: string;
  /** What is to be said of it; empty: it is right. */
  readonly findings: readonly Finding[];
}

export type Arrange = (time: string, name: string) => SignedText;

export const RIGHT: Arrange = (time, name) => ({ text: `${time}${name}`, findings: [] });
const SWAPPED: Arrange = (time, name) => ({ text: `${name}${time}`, findings: [finding("parts_swapped")] });

const SEPARATORS: Readonly<Record<string, string>> = {
  " ": "a space",
  ":": "a colon",
  ",": "a comma",
  ".": "a point",
  "|": "a bar",
  "\n": "a line break",
  _: "an underscore",
  "-": "a hyphen",
  ";": "a semicolon",
  "/": "a slash",
  "&": "an ampersand",
  "+": "a plus sign",
  "\t": "a tab",
  "\r\n": "a line break",
  "\0": "a zero byte",
};

function separated(separator: string, what: string): Arrange {
  return (time, name) => ({ text: `${time}${separator}${name}`, findings: [finding("separator", what)] });
}

function swapped(arrange: Arrange): Arrange {
  return (time, name) => {
    const { text, findings } = arrange(name, time);
    return { text, findings: [finding("parts_swapped"), ...findings] };
  };
}

function ended(arrange: Arrange, ending: string, about: Finding): Arrange {
  return (time, name) => {
    const { text, findings } = arrange(time, name);
    return { text: `${text}${ending}`, findings: [...findings, about] };
  };
}

const NEWLINE = finding("trailing_newline");
const ENDINGS: readonly (readonly [string, Finding])[] = [
  ["\n", NEWLINE],
  ["\r\n", NEWLINE],
  [" ", finding("trailing_byte", "a space")],
  ["\0", finding("trailing_byte", "a zero byte")],
];

const SEPARATED: readonly Arrange[] = Object.entries(SEPARATORS).map(([separator, what]) => separated(separator, what));
const ONE_PART: readonly Arrange[] = [
  (time) => ({ text: time, findings: [finding("one_part", "timestamp")] }),
  (_, name) => ({ text: name, findings: [finding("one_part", "device_key")] }),
];
/** One mistake each. */
export const SINGLE: readonly Arrange[] = [
  SWAPPED,
  ...ENDINGS.map(([ending, about]) => ended(RIGHT, ending, about)),
  ...SEPARATED,
  ...ONE_PART,
  () => ({ text: "", findings: [finding("empty_message")] }),
];
/** Two mistakes each. */
export const DOUBLE: readonly Arrange[] = [
  ...ENDINGS.map(([ending, about]) => ended(SWAPPED, ending, about)),
  ...SEPARATED.map(swapped),
  ...[...SEPARATED, ...ONE_PART].flatMap((arrange) => ENDINGS.map(([ending, about]) => ended(arrange, ending, about))),
];
/** What goes with milliseconds that are not known to the last. */
export const OTHERWISE: readonly Arrange[] = [ended(RIGHT, "\n", NEWLINE), SWAPPED];

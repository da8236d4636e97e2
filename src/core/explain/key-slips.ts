// What firmware makes of a key before it signs with it. Knows no message, and whose key it is.

import { type Finding, finding } from "./findings.ts";

export interface KeySlip {
  readonly bytes: Buffer;
  readonly finding: Finding;
}

/** Longer cuts are not looked for. In bytes. */
const LONGEST_CUT = 256;
const HEX = /^(?:[0-9a-f]{2})+$/i;

/**
 * What may have become of a key, the likeliest first. Only what differs from it, and each once. `labels` are what the command
 * line prints before a key, on the same line.
 */
export function keySlips(key: Buffer, labels: readonly string[]): readonly KeySlip[] {
  const text = key.toString("utf8");
  const slips: KeySlip[] = [];
  const seen = new Set([key.toString("latin1")]);
  const add = (bytes: string | Buffer, about: Finding): void => {
    const slip = typeof bytes === "string" ? Buffer.from(bytes, "utf8") : bytes;
    const name = slip.toString("latin1");
    if (seen.has(name)) return;
    seen.add(name);
    slips.push({ bytes: slip, finding: about });
  };

  const lineBreak = finding("key_line_break");
  add(`${text}\n`, lineBreak);
  add(`${text}\r\n`, lineBreak);
  add(`${text}\r`, lineBreak);
  const space = finding("key_white_space");
  for (const spaced of [` ${text}`, `${text} `, ` ${text} `, `${text}\t`, text.trim()]) add(spaced, space);
  const quotes = finding("key_quotes");
  for (const quote of ['"', "'"]) add(`${quote}${text}${quote}`, quotes);
  const label = finding("key_label");
  for (const name of labels) {
    add(`${name} ${text}`, label);
    add(`${name} ${text}\n`, label);
  }
  if (HEX.test(text)) add(Buffer.from(text, "hex"), finding("key_hex_decoded"));
  if (isBase64(text)) add(Buffer.from(text, "base64"), finding("key_base64_decoded"));
  add(text.toUpperCase(), finding("key_case", "upper case"));
  add(text.toLowerCase(), finding("key_case", "lower case"));
  add(key.toString("base64"), finding("key_encoded", "base64"));
  add(`${key.toString("base64")}\n`, finding("key_encoded", "base64"));
  add(key.toString("hex"), finding("key_encoded", "hex"));
  add(Buffer.from(text, "latin1"), finding("key_encoding", "Latin-1"));
  add(Buffer.from(text, "utf16le"), finding("key_encoding", "UTF-16"));
  return slips;
}

/** What is left of a key in a buffer that is too small, the longest first; HMAC pads with zeros, so that these end none. */
export function keyCuts(key: Buffer): readonly KeySlip[] {
  const longest = Math.min(key.length - 1, LONGEST_CUT);
  return Array.from({ length: Math.max(0, longest) }, (_, place) => {
    const length = longest - place;
    return { bytes: key.subarray(0, length), finding: finding("key_truncated", length) };
  });
}

function isBase64(text: string): boolean {
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return false;
  const bytes = Buffer.from(text, "base64");
  const bare = text.replace(/=+$/, "");
  return bytes.length > 0 && [bytes.toString("base64").replace(/=+$/, ""), bytes.toString("base64url")].includes(bare);
}

/** What is in the place of a key where a board has none. */
export function keylessSlips(names: Readonly<Record<string, string>>): readonly KeySlip[] {
  return [
    { bytes: Buffer.alloc(0), finding: finding("empty_key") },
    ...PLACEHOLDERS.map((text) => ({ bytes: Buffer.from(text), finding: finding("placeholder_key") })),
    ...Object.entries(names).map(([name, text]) => ({
      bytes: Buffer.from(text),
      finding: finding("name_as_key", name),
    })),
  ];
}

const PLACEHOLDERS: readonly string[] = [
  "customer_key",
  "CUSTOMER_KEY",
  "customerKey",
  "<customer_key>",
  "{customer_key}",
  "your_customer_key",
  "YOUR_CUSTOMER_KEY",
  "your-customer-key",
  "undefined",
  "null",
  "(null)",
  "None",
  "secret",
  "changeme",
];

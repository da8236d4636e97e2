// Timestamp and signature in the spellings that devices send.

import { AuthError } from "../errors.ts";
import { readTimestamp } from "../freshness.ts";
import { readSignature } from "../signature.ts";
import { type Finding, finding } from "./findings.ts";

export interface SentTimestamp {
  /** Whole seconds, rounded down; undefined if unreadable. */
  readonly seconds: number | undefined;
  readonly mistake: Finding | undefined;
}

export function readSentTimestamp(text: string | undefined): SentTimestamp {
  if (text === undefined) return { seconds: undefined, mistake: undefined };
  const shape = (message: string): Finding => finding("timestamp_shape", message);
  const whole = /^\s*0*(\d{1,10})\s*$/.exec(text)?.[1];
  if (whole !== undefined) {
    const padding = shape("timestamp has white space or leading zeros. Send decimal digits alone");
    return { seconds: Number(whole), mistake: whole === text ? undefined : padding };
  }
  if (/^(\d{13}|\d{16}|\d{19})$/.test(text)) {
    return { seconds: Number(text.slice(0, 10)), mistake: finding("milliseconds") };
  }
  if (/^-?\d+$/.test(text)) return { seconds: undefined, mistake: shape(messageOf(() => readTimestamp(BigInt(text)))) };
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value < 1e10) return { seconds: Math.floor(value), mistake: finding("fraction") };
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(date)) return { seconds: Math.floor(date / 1000), mistake: finding("date_string") };
  return { seconds: undefined, mistake: shape("timestamp is no number. Send the Unix time in whole seconds") };
}

export interface SentSignature {
  /** Lower-case hex digits; undefined if unreadable. */
  readonly digits: string | undefined;
  readonly mistake: Finding | undefined;
}

const HEX = /^[0-9a-f]+$/;
/** Output of openssl dgst, openssl dgst -r and sha256sum. */
const LABELS = [/^[\w-]*\([^)]*\)\s*=\s*([0-9a-f]+)$/, /^[\w-]+\s*=\s*([0-9a-f]+)$/, /^([0-9a-f]{64})\s+[*-]?\S*$/];

export function readSentSignature(text: string | undefined): SentSignature {
  if (text === undefined) return { digits: undefined, mistake: undefined };
  const lower = text.toLowerCase();
  const isWhole = (digits = ""): boolean => digits.length === 64 && HEX.test(digits);
  if (isWhole(lower)) return { digits: lower, mistake: undefined };
  const shape = finding(
    "signature_shape",
    messageOf(() => readSignature(text)),
  );
  const labelled = LABELS.map((label) => label.exec(lower.trim())?.[1]).find(Boolean);
  if (isWhole(labelled)) return { digits: labelled, mistake: finding("openssl_label") };
  const joined = lower.replace(/0x|\\x|[\s:,-]/g, "");
  if (isWhole(joined)) return { digits: joined, mistake: finding("signature_separators") };
  if (/^[\w+/ -]{43}=?\s*$/.test(text)) {
    return { digits: Buffer.from(text.replaceAll(" ", "+"), "base64").toString("hex"), mistake: finding("base64") };
  }
  return { digits: HEX.test(lower) ? lower : undefined, mistake: shape };
}

function messageOf(read: () => unknown): string {
  try {
    read();
    return "";
  } catch (error) {
    if (error instanceof AuthError) return error.message;
    throw error;
  }
}

// A login's body as a device sent it, with the mistakes of its form undone.

import { readDeviceKey } from "../device-key.ts";
import { AuthError } from "../errors.ts";
import { readTimestamp } from "../freshness.ts";
import type { SignedLogin } from "../login.ts";
import { readSignature } from "../signature.ts";
import { type Finding, finding } from "./findings.ts";

export interface SentLogin {
  /** Mistakes of the form, in the order body, device_key, timestamp, signature; empty: a valid login request. */
  readonly mistakes: readonly Finding[];
  readonly text: string;
  readonly deviceKey: string | undefined;
  /** As the body has it. */
  readonly timestamp: string | undefined;
  /** In whole seconds; undefined if unreadable. */
  readonly seconds: number | undefined;
  /** Lower-case hex digits; undefined if unreadable. */
  readonly signature: string | undefined;
}

/** The gateway's own reader of a login's body. */
export interface LoginReader {
  /** @throws AuthError `malformed` */
  readonly readLogin: (body: Uint8Array) => SignedLogin;
  /** The most bytes that a body may have. */
  readonly maxLoginBytes: number;
}

export function readSentLogin(body: Uint8Array, { readLogin, maxLoginBytes }: LoginReader): SentLogin {
  const isTooLarge = body.length > maxLoginBytes;
  const error = isTooLarge ? undefined : errorOf(() => readLogin(body));
  const text = isTooLarge ? "" : new TextDecoder().decode(body);
  const { fields = new Map<string, string>(), mistake } = isTooLarge
    ? { mistake: finding("too_large", body.length, maxLoginBytes) }
    : readBody(text, error);
  const [key, time, mac] = FIELDS.map((field) => findField(field, fields));
  const timestamp = readSentTimestamp(time?.value);
  const signature = readSentSignature(mac?.value);
  const names = fields.size === 0 && mistake !== undefined ? [] : [key?.mistake, time?.mistake, mac?.mistake];
  const shapes = [shapeOf(key?.value), timestamp.mistake, signature.mistake];
  const mistakes = [mistake, ...names, ...shapes].filter((one) => one !== undefined);
  if (error !== undefined && mistakes.length === 0) mistakes.push(finding("malformed", error.message));
  return {
    mistakes,
    text,
    deviceKey: key?.value,
    timestamp: time?.value,
    seconds: timestamp.seconds,
    signature: signature.digits,
  };
}

function errorOf(read: () => unknown): AuthError | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return error;
    throw error;
  }
}

function shapeOf(deviceKey: string | undefined): Finding | undefined {
  const error = deviceKey === undefined ? undefined : errorOf(() => readDeviceKey(deviceKey));
  return error && finding("device_key_shape", error.message);
}

type Fields = ReadonlyMap<string, string>;

/** Reads the body; `error` is the strict reader's. Undoes one mistake in its commas. */
function readBody(
  text: string,
  error: AuthError | undefined,
): { readonly fields?: Fields; readonly mistake?: Finding } {
  const fields = readObject(text);
  if (fields !== undefined) return { fields };
  const message = error?.message ?? "not JSON";
  const withComma = readObject(text.replace(/(["\d])(\s+"[\w-]+"\s*:)/g, "$1,$2"));
  if (withComma !== undefined) return { fields: withComma, mistake: finding("missing_comma", message) };
  const withoutComma = readObject(text.replace(/,(\s*\})/g, "$1"));
  if (withoutComma !== undefined) return { fields: withoutComma, mistake: finding("trailing_comma", message) };
  return { mistake: finding("malformed", message) };
}

/** Reads the members of a JSON object as text. */
function readObject(text: string): Fields | undefined {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== "object" || json === null || Array.isArray(json)) return undefined;
    return new Map(Object.entries(json).map(([name, value]) => [name, String(value)]));
  } catch {
    return undefined;
  }
}

const FIELDS = ["device_key", "timestamp", "device_signature"] as const;
type Field = (typeof FIELDS)[number];

/** Other names that devices use, lower case, letters only. */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  device_key: ["devicekey", "deviceid", "device"],
  timestamp: ["timestamp", "time", "ts"],
  device_signature: ["devicesignature", "signature", "sign", "sig", "hmac"],
};

interface SentField {
  readonly value: string | undefined;
  readonly mistake: Finding | undefined;
}

function findField(field: Field, fields: Fields): SentField {
  const camelCase = field.replace(/_(.)/, (_, letter: string) => letter.toUpperCase());
  const value = fields.get(field) ?? fields.get(camelCase);
  if (value !== undefined && value !== "") return { value, mistake: undefined };
  for (const [name, other] of fields) {
    if (name === field || !NAMES[field].includes(name.toLowerCase().replace(/[^a-z]/g, ""))) continue;
    return {
      value: other,
      mistake: finding("field_name", field, /^[\w.-]{1,32}$/.test(name) ? name : "a similar name"),
    };
  }
  return { value: undefined, mistake: finding("missing_field", field) };
}

interface SentTimestamp {
  /** Whole seconds, rounded down; undefined if unreadable. */
  readonly seconds: number | undefined;
  readonly mistake: Finding | undefined;
}

function readSentTimestamp(text: string | undefined): SentTimestamp {
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
  if (/^-?\d+$/.test(text))
    return { seconds: undefined, mistake: shape(errorOf(() => readTimestamp(BigInt(text)))?.message ?? "") };
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= 0 && value < 1e10) return { seconds: Math.floor(value), mistake: finding("fraction") };
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(date)) return { seconds: Math.floor(date / 1000), mistake: finding("date_string") };
  return { seconds: undefined, mistake: shape("timestamp is no number. Send the Unix time in whole seconds") };
}

interface SentSignature {
  /** Lower-case hex digits; undefined if unreadable. */
  readonly digits: string | undefined;
  readonly mistake: Finding | undefined;
}

const HEX = /^[0-9a-f]+$/;
/** Output of openssl dgst, openssl dgst -r and sha256sum. */
const LABELS = [/^[\w-]*\([^)]*\)\s*=\s*([0-9a-f]+)$/, /^[\w-]+\s*=\s*([0-9a-f]+)$/, /^([0-9a-f]{64})\s+[*-]?\S*$/];

function readSentSignature(text: string | undefined): SentSignature {
  if (text === undefined) return { digits: undefined, mistake: undefined };
  const lower = text.toLowerCase();
  const isWhole = (digits = ""): boolean => digits.length === 64 && HEX.test(digits);
  if (isWhole(lower)) return { digits: lower, mistake: undefined };
  const shape = finding("signature_shape", errorOf(() => readSignature(text))?.message ?? "");
  const labelled = LABELS.map((label) => label.exec(lower.trim())?.[1]).find(Boolean);
  if (isWhole(labelled)) return { digits: labelled, mistake: finding("openssl_label") };
  const joined = lower.replace(/0x|\\x|[\s:,-]/g, "");
  if (isWhole(joined)) return { digits: joined, mistake: finding("signature_separators") };
  if (/^[\w+/ -]{43}=?\s*$/.test(text)) {
    return { digits: Buffer.from(text.replaceAll(" ", "+"), "base64").toString("hex"), mistake: finding("base64") };
  }
  return { digits: HEX.test(lower) ? lower : undefined, mistake: shape };
}

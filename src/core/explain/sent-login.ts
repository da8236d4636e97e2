// A login's body as a device sent it: what the gateway's reader refuses, and what was meant all the same. Knows no key.

import { readDeviceKey } from "../device-key.ts";
import { AuthError } from "../errors.ts";
import type { LoginRequest } from "../login.ts";
import { type Finding, finding } from "./findings.ts";
import { type Pair, type PairScan, scanPairs } from "./pair-scan.ts";
import { readSentSignature, type SentSignature } from "./sent-signature.ts";
import { readSentTimestamp, type SentTimestamp } from "./sent-timestamp.ts";

/** The most bytes that the body of a login may have. */
export const MAX_LOGIN_BYTES = 4096;

export interface SentLogin {
  /** What is wrong with its form, in the order of body, device_key, timestamp, signature; empty: it is a login. */
  readonly mistakes: readonly Finding[];
  /** The body as text, as far as a login may go. */
  readonly text: string;
  /** Each undefined where nothing was found that could be one. */
  readonly deviceKey: string | undefined;
  readonly timestamp: SentTimestamp | undefined;
  readonly signature: SentSignature | undefined;
  /** The body with an empty signature, as some sign it. */
  readonly unsignedText: string | undefined;
}

type Field = "device_key" | "timestamp" | "device_signature";

/** What each field is called by those who do not call it by its name; letters and digits alone. */
const NAMES: Readonly<Record<Field, readonly string[]>> = {
  device_key: ["devicekey", "deviceid", "device", "key", "id"],
  timestamp: ["timestamp", "time", "ts", "unixtime"],
  device_signature: ["devicesignature", "signature", "sign", "sig", "hmac", "mac"],
};

interface Found {
  readonly value: string;
  readonly pair: Pair | undefined;
}

/** Reads a body. `readLogin` is the gateway's own strict reader, which throws AuthError `malformed`. */
export function readSentLogin(body: Uint8Array, readLogin: (body: Uint8Array) => LoginRequest): SentLogin {
  const { login, refusal } = readStrictly(body, readLogin);
  // What is no UTF-8 is read past, and so is a byte order mark.
  const sent = new TextDecoder().decode(body.subarray(0, MAX_LOGIN_BYTES));
  const { text, mistakes, scan } = unwrap(sent);
  const isJson = parses(sent);
  if (refusal !== undefined && !isJson) mistakes.push(...scan.mistakes);

  const names: Finding[] = [];
  const fields = (field: Field, accepted: string | undefined): Found | undefined => {
    const exact = findPair(scan.pairs, [field, camelCase(field)]);
    if (accepted !== undefined) return { value: accepted, pair: exact };
    if (exact !== undefined) return { value: exact.value, pair: exact };
    const near = NAMES[field].map((name) => scan.pairs.find((pair) => plain(pair.name) === name)).find(Boolean);
    if (near !== undefined) names.push(finding("field_name", field, showName(near.name)));
    else names.push(finding("missing_field", `${field} is missing or empty`));
    return near && { value: near.value, pair: near };
  };
  const deviceKey = fields("device_key", login?.deviceKey || undefined);
  const time = fields("timestamp", login?.timestamp?.toString());
  const written = fields("device_signature", login?.deviceSignature || undefined);

  const timestamp = time && readSentTimestamp(time.pair?.value ?? time.value, login?.timestamp);
  const signature = written && readSentSignature(written.value);
  const shapes = [deviceKey && shapeOf(deviceKey.value), timestamp?.mistake, signature?.mistake];
  const all = [...mistakes, ...names, ...shapes.filter((shape) => shape !== undefined)];
  if (body.length > MAX_LOGIN_BYTES) all.unshift(finding("too_large", body.length, MAX_LOGIN_BYTES));
  else if (refusal !== undefined && !explains(all, refusal, sent, isJson))
    all.unshift(finding("malformed", refusal.message));
  return {
    mistakes: all,
    text,
    deviceKey: deviceKey?.value,
    timestamp,
    signature: signature !== undefined && "recognise" in signature ? signature : undefined,
    unsignedText: written?.pair && `${text.slice(0, written.pair.from)}""${text.slice(written.pair.to)}`,
  };
}

interface Strict {
  readonly login?: LoginRequest;
  readonly refusal?: AuthError;
}

function readStrictly(body: Uint8Array, readLogin: (body: Uint8Array) => LoginRequest): Strict {
  // The gateway does not look at so much.
  if (body.length > MAX_LOGIN_BYTES) return {};
  try {
    return { login: readLogin(body) };
  } catch (error) {
    if (error instanceof AuthError) return { refusal: error };
    throw error;
  }
}

/** Takes away what a body is wrapped in as a whole. */
function unwrap(sent: string): { text: string; mistakes: Finding[]; scan: PairScan } {
  const trimmed = sent.trim();
  if (trimmed.startsWith('"') && trimmed.includes('\\"')) {
    const inner = parseString(trimmed);
    if (inner !== undefined) return { text: inner, mistakes: [finding("double_encoded")], scan: scanPairs(inner) };
  }
  if (/^'?\{\s*\\"/.test(trimmed)) {
    const text = trimmed.replaceAll('\\"', '"');
    return { text, mistakes: [finding("escaped_quotes")], scan: { pairs: scanPairs(text).pairs, mistakes: [] } };
  }
  if (/^[^{}="]+=[^{}"]*&/.test(trimmed)) {
    const pairs = [...new URLSearchParams(trimmed)].map(([name, value]) => ({ name, value, from: 0, to: 0 }));
    return { text: sent, mistakes: [finding("form_encoded")], scan: { pairs, mistakes: [] } };
  }
  return { text: sent, mistakes: [], scan: scanPairs(sent) };
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function parseString(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function findPair(pairs: readonly Pair[], names: readonly string[]): Pair | undefined {
  return pairs.find(({ name }) => names.includes(name));
}

function camelCase(field: Field): string {
  return field.replace(/_(.)/, (_, letter: string) => letter.toUpperCase());
}

function plain(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, "");
}

/** What the device sent is repeated only when it is made of letters that can do no harm. */
function showName(name: string): string {
  return /^[\w.-]{1,32}$/.test(name) ? name : "a name much like it";
}

function shapeOf(deviceKey: string): Finding | undefined {
  try {
    readDeviceKey(deviceKey);
    return undefined;
  } catch (error) {
    if (error instanceof AuthError) return finding("device_key_shape", error.message);
    throw error;
  }
}

/** The codes that tell of one field's form. */
const ABOUT: Readonly<Record<string, RegExp>> = {
  device_key: /^device_key_shape$/,
  timestamp: /^(milliseconds|microseconds|nanoseconds|fraction|date_string|timestamp_shape)$/,
  device_signature: /^(signature_|openssl_label|hex_prefix|base64|double_hex)/,
};
const ABOUT_BODY =
  /^(form_encoded|double_encoded|escaped_quotes|missing_comma|trailing_comma|single_quotes|unquoted_name|cut_short)$/;

/** Whether what was found tells of what the gateway's reader refused, too. */
function explains(
  found: readonly Finding[],
  { particulars: { field } }: AuthError,
  sent: string,
  isJson: boolean,
): boolean {
  // What is no UTF-8 is refused for that before all else.
  if (field === undefined) return !sent.includes("\ufffd") && found.some(({ code }) => ABOUT_BODY.test(code));
  const about = isJson ? ABOUT[field] : undefined;
  return found.some(
    ({ code, message }) =>
      about?.test(code) || ((code === "field_name" || code === "missing_field") && message.startsWith(`${field} `)),
  );
}

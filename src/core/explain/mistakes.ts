// The known mistakes in key, message and function, each checked by its MAC.

import { createHash, createHmac, createSecretKey } from "node:crypto";
import { type Finding, finding } from "./findings.ts";
import type { CandidateKey } from "./keys.ts";

export interface SignedLogin {
  /** Good ones first. */
  readonly keys: readonly CandidateKey[];
  /** The MAC as sent, in lower-case hex digits. */
  readonly signature: string;
  /** The timestamp in whole seconds; empty if unreadable. */
  readonly time: string;
  /** The timestamp as the body has it. */
  readonly sentTime: string;
  readonly deviceKey: string;
  readonly customerId: string;
  readonly body: string;
}

/** The key and the mistake that give the signature. */
export interface Match {
  /** Undefined for a signature made without a key of the customer. */
  readonly key: CandidateKey | undefined;
  /** Undefined: the signature is correct for this key. */
  readonly mistake: Finding | undefined;
}

/**
 * Names the key, or the single mistake with a good key, that gives the signature. Undefined: none does.
 * Costs one MAC for each key and some 350 for each good one.
 */
export function findMistake(login: SignedLogin): Match | undefined {
  const { keys, signature, time, deviceKey } = login;
  const message = `${time}${deviceKey}`;
  const exact = keys.find(({ bytes }) => mac(bytes, message) === signature);
  if (exact !== undefined) return { key: exact, mistake: undefined };
  const keyless = withoutKey(login).find(([text]) => mac(text, message) === signature);
  if (keyless !== undefined) return { key: undefined, mistake: keyless[1] };
  for (const key of keys.filter(({ good }) => good)) {
    const mistake = singleMistake(key.bytes, message, login);
    if (mistake !== undefined) return { key, mistake };
  }
  return undefined;
}

function singleMistake(key: Buffer, message: string, login: SignedLogin): Finding | undefined {
  const { signature } = login;
  const found =
    wrongMessages(login).find(([text]) => mac(key, text) === signature) ??
    wrongKeys(key, login.deviceKey).find(([bytes]) => mac(bytes, message) === signature) ??
    wrongFunctions(key, message).find(([digest]) => digest === signature);
  return found?.[1] ?? misprint(mac(key, message), signature);
}

function mac(key: Buffer | string, message: string, hash = "sha256"): string {
  const secret = typeof key === "string" ? createSecretKey(key, "utf8") : createSecretKey(key);
  return createHmac(hash, secret).update(message).digest("hex");
}

type Wrong<Value> = readonly (readonly [Value, Finding])[];

const SEPARATORS: Readonly<Record<string, string>> = {
  " ": "a space",
  ":": "a colon",
  ",": "a comma",
  ".": "a point",
  "|": "a bar",
  "\n": "a line break",
  "-": "a hyphen",
  _: "an underscore",
};

function wrongMessages({ time, sentTime, deviceKey, body }: SignedLogin): Wrong<string> {
  const right = `${time}${deviceKey}`;
  const other = [-2, -1, 1, 2].map((off) => [`${Number(time) + off}${deviceKey}`, finding("other_timestamp")] as const);
  return [
    [`${sentTime}${deviceKey}`, finding("signed_as_sent")],
    [`${deviceKey}${time}`, finding("parts_swapped")],
    [`${right}\n`, finding("trailing_newline")],
    [`${right}\r\n`, finding("trailing_newline")],
    [`${right}\0`, finding("trailing_byte", "a zero byte")],
    [`${right} `, finding("trailing_byte", "a space")],
    ...Object.entries(SEPARATORS).map(
      ([separator, name]) => [`${time}${separator}${deviceKey}`, finding("separator", name)] as const,
    ),
    [time, finding("one_part", "timestamp")],
    [deviceKey, finding("one_part", "device_key")],
    [body, finding("signed_body")],
    [JSON.stringify({ device_key: deviceKey, timestamp: Number(time) }), finding("signed_body")],
    [JSON.stringify({ timestamp: Number(time), device_key: deviceKey }), finding("signed_body")],
    [`${time}000${deviceKey}`, finding("signed_milliseconds")],
    ...other,
    [`${time}${deviceKey.toUpperCase()}`, finding("signed_device_key", "upper case")],
    [`${time}${deviceKey.toLowerCase()}`, finding("signed_device_key", "lower case")],
  ];
}

/** A longer key is not cut by a firmware's buffer. In bytes. */
const LONGEST_CUT = 256;
/** A shorter key can be guessed byte by byte by a caller who may explain logins. In bytes. */
const SHORTEST_KEY = 16;

/** The known mistakes in a key. */
export function wrongKeys(key: Buffer, deviceKey: string): Wrong<Buffer | string> {
  const text = key.toString("utf8");
  const lengths = Array.from({ length: Math.min(key.length - 1, LONGEST_CUT) }, (_, index) => index + 1).reverse();
  const cuts = lengths.filter((length) => length >= SHORTEST_KEY);
  // Node decodes up to the first character that is no hex digit.
  const decoded = Buffer.from(text, "hex");
  const isHex = decoded.length >= SHORTEST_KEY && 2 * decoded.length === text.length;
  return [
    [`${text}\n`, finding("key_line_break")],
    [`${text}\r\n`, finding("key_line_break")],
    [` ${text}`, finding("key_white_space")],
    [`${text} `, finding("key_white_space")],
    [text.trim(), finding("key_white_space")],
    [`"${text}"`, finding("key_quotes")],
    [`'${text}'`, finding("key_quotes")],
    [`${deviceKey} ${text}`, finding("key_label")],
    [`customer_key ${text}`, finding("key_label")],
    ...(isHex ? ([[decoded, finding("key_decoded", "hex")]] as const) : []),
    [Buffer.from(text, "base64"), finding("key_decoded", "base64")],
    [key.toString("hex"), finding("key_encoded", "hex")],
    [key.toString("base64"), finding("key_encoded", "base64")],
    [text.toUpperCase(), finding("key_case", "upper case")],
    [text.toLowerCase(), finding("key_case", "lower case")],
    ...cuts.map((length) => [key.subarray(0, length), finding("key_truncated", length)] as const),
  ];
}

function withoutKey({ deviceKey, customerId }: SignedLogin): Wrong<string> {
  const placeholders = ["customer_key", "customerKey", "<customer_key>", "undefined", "null", deviceKey, customerId];
  return [["", finding("empty_key")], ...placeholders.map((text) => [text, finding("placeholder_key")] as const)];
}

function wrongFunctions(key: Buffer, message: string): Wrong<string> {
  const sha256 = (...parts: readonly (Buffer | string)[]): string => {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  };
  return [
    [createHmac("sha256", message).update(key).digest("hex"), finding("key_and_message_swapped")],
    [sha256(key, message), finding("plain_hash")],
    [sha256(message, key), finding("plain_hash")],
    [sha256(message), finding("plain_hash")],
    ...["md5", "sha1", "sha384", "sha512"].map(
      (name) => [mac(key, message, name), finding("other_hash", name)] as const,
    ),
  ];
}

/** Fewer digits agree by chance. */
const LEAST_DIGITS = 16;

/** The mistake in printing the correct MAC. */
function misprint(right: string, written: string): Finding | undefined {
  if (written.length >= LEAST_DIGITS && (right.startsWith(written) || right.endsWith(written))) {
    return finding("signature_truncated", written.length);
  }
  if (written.startsWith(right)) return finding("signature_too_long", written.length - right.length);
  return written === right.replace(/0(.)|(..)/g, "$1$2") ? finding("hex_without_zeros") : undefined;
}

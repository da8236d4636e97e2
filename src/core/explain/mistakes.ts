// The known single mistakes in key, message, function and digits, each checked by its MAC.

import { createHash, createHmac, createSecretKey } from "node:crypto";
import type { Device } from "../registry/ports.ts";
import { type Finding, finding } from "./findings.ts";
import type { SentLogin } from "./sent-login.ts";

export function mac(key: Buffer | string, message: string, hash = "sha256"): string {
  const secret = typeof key === "string" ? createSecretKey(key, "utf8") : createSecretKey(key);
  return createHmac(hash, secret).update(message).digest("hex");
}

/** Keys of a board that has none. */
export function noKeys({ deviceKey, customerId }: Device): Wrong<string>[] {
  const placeholders = ["customer_key", "customerKey", "<customer_key>", "undefined", "null", deviceKey, customerId];
  const empty = "It is signed with an empty key. The board does not have its key or does not find it";
  const placeholder = "It is signed with a placeholder or a name. Put the customer key in its place";
  return [
    ["", finding("empty_key", empty)],
    ...placeholders.map((text): Wrong<string> => [text, finding("placeholder_key", placeholder)]),
  ];
}

type Wrong<Value> = readonly [value: Value, about: Finding];

/** A value, the code of its mistake and what it says of it. */
type Guess<Value> = readonly [value: Value, code: string, what: string];

interface SignedLogin extends SentLogin {
  readonly deviceKey: string;
}

/** The digits that each mistake gives with a right key. */
export function* singleMistakes(key: Buffer, login: SignedLogin): Generator<Wrong<string>, void> {
  const message = `${login.time}${login.deviceKey}`;
  for (const [text, code, what] of wrongMessages(login)) {
    yield [mac(key, text), finding(code, `It signs ${what}. Sign the timestamp followed at once by the device_key`)];
  }
  for (const [wrong, about] of wrongKeys(key, login.deviceKey)) yield [mac(wrong, message), about];
  for (const [digits, code, what] of wrongFunctions(key, message)) {
    yield [digits, finding(code, `It is ${what}. Use HMAC-SHA256 with the customer key as the key`)];
  }
  for (const [digits, code, what] of misprints(mac(key, message), login.signature)) {
    yield [digits, finding(code, `device_signature ${what}`)];
  }
}

const MARKS = {
  space: " ",
  colon: ":",
  comma: ",",
  point: ".",
  bar: "|",
  "line break": "\n",
  hyphen: "-",
  underscore: "_",
};

function wrongMessages({ time, sentTime, deviceKey, text: body }: SignedLogin): Guess<string>[] {
  const right = `${time}${deviceKey}`;
  const device_key = deviceKey;
  const timestamp = Number(time);
  return [
    [`${sentTime}${deviceKey}`, "signed_as_sent", "the timestamp as it was sent and not as whole seconds"],
    [`${deviceKey}${time}`, "parts_swapped", "the parts in the other order"],
    [`${right}\n`, "trailing_newline", "a line break at the end too. printf %s and echo -n print none"],
    [`${right}\r\n`, "trailing_newline", "a line break at the end too"],
    [`${right}\0`, "trailing_byte", "a zero byte at the end too"],
    [`${right} `, "trailing_byte", "a space at the end too"],
    ...Object.entries(MARKS).map(
      ([name, mark]): Guess<string> => [`${time}${mark}${deviceKey}`, "separator", `a ${name} between the parts too`],
    ),
    [time, "one_part", "the timestamp alone"],
    [deviceKey, "one_part", "the device_key alone"],
    [body, "signed_body", "the JSON"],
    [JSON.stringify({ device_key, timestamp }), "signed_body", "the JSON"],
    [JSON.stringify({ timestamp, device_key }), "signed_body", "the JSON"],
    [`${time}000${deviceKey}`, "signed_milliseconds", "the timestamp in milliseconds and sends seconds"],
    ...[-2, -1, 1, 2].map(
      (off): Guess<string> => [`${timestamp + off}${deviceKey}`, "other_timestamp", "another second than it sends"],
    ),
    [`${time}${deviceKey.toUpperCase()}`, "signed_device_key", "the device_key in upper case"],
    [`${time}${deviceKey.toLowerCase()}`, "signed_device_key", "the device_key in lower case"],
  ];
}

/** A longer key is not cut by a firmware's buffer. In bytes. */
const LONGEST_CUT = 256;
/** A shorter key can be guessed byte by byte by a caller who may explain logins. In bytes. */
const SHORTEST_KEY = 16;

/** The known mistakes in a key. */
export function wrongKeys(key: Buffer, deviceKey: string): Wrong<Buffer | string>[] {
  const text = key.toString("utf8");
  const lengths = Array.from({ length: LONGEST_CUT }, (_, index) => index + 1).reverse();
  const cuts = lengths.filter((length) => length >= SHORTEST_KEY && length < key.length);
  // Node decodes up to the first character that is no hex digit.
  const decoded = Buffer.from(text, "hex");
  const isHex = decoded.length >= SHORTEST_KEY && 2 * decoded.length === text.length;
  const guesses: Guess<Buffer | string>[] = [
    [`${text}\n`, "key_line_break", "with a line break at its end"],
    [`${text}\r\n`, "key_line_break", "with a line break at its end"],
    [` ${text}`, "key_white_space", "with white space before it"],
    [`${text} `, "key_white_space", "with white space after it"],
    [text.trim(), "key_white_space", "without its own white space"],
    [`"${text}"`, "key_quotes", "with quotes around it"],
    [`'${text}'`, "key_quotes", "with quotes around it"],
    [`${deviceKey} ${text}`, "key_label", "with a name before it"],
    [`customer_key ${text}`, "key_label", "with a name before it"],
    [isHex ? decoded : text, "key_decoded", "decoded from hex"],
    [Buffer.from(text, "base64"), "key_decoded", "decoded from base64"],
    [key.toString("hex"), "key_encoded", "encoded in hex"],
    [key.toString("base64"), "key_encoded", "encoded in base64"],
    [text.toUpperCase(), "key_case", "in upper case"],
    [text.toLowerCase(), "key_case", "in lower case"],
    ...cuts.map((length): Guess<Buffer> => [key.subarray(0, length), "key_truncated", `cut to ${length} bytes`]),
  ];
  return guesses.map(([wrong, code, how]) => [
    wrong,
    finding(code, `The firmware uses the key ${how}. Use its characters exactly as they were issued`),
  ]);
}

function wrongFunctions(key: Buffer, message: string): Guess<string>[] {
  const sha256 = (...parts: readonly (Buffer | string)[]): string => {
    const hash = createHash("sha256");
    for (const part of parts) hash.update(part);
    return hash.digest("hex");
  };
  return [
    [mac(message, key.toString("utf8")), "key_and_message_swapped", "an HMAC with key and message swapped"],
    [sha256(key, message), "plain_hash", "a plain hash"],
    [sha256(message, key), "plain_hash", "a plain hash"],
    [sha256(message), "plain_hash", "a plain hash"],
    ...["md5", "sha1", "sha384", "sha512"].map(
      (name): Guess<string> => [mac(key, message, name), "other_hash", `made with ${name}`],
    ),
  ];
}

/** Fewer digits agree by chance. */
const LEAST_DIGITS = 16;

/** The right MAC wrongly printed. */
function misprints(right: string, sent: string): Guess<string>[] {
  const { length } = sent;
  const cut = length < LEAST_DIGITS ? [] : [right.slice(0, length), right.slice(-length)];
  const zeros = "lacks the zeros of bytes under 16. Print each byte with %02x instead of %x";
  return [
    ...cut.map(
      (digits): Guess<string> => [digits, "signature_truncated", `has ${length} of 64 digits. Check the buffer's size`],
    ),
    [right + sent.slice(right.length), "signature_too_long", "has more than its 64 digits. Send the first 64 alone"],
    [right.replace(/0(.)|(..)/g, "$1$2"), "hex_without_zeros", zeros],
  ];
}

// Every finding there is, by its code, in words. Knows no request and no key: of either it is told counts and names at most.

import type { KeyPurpose } from "../ports.ts";

export interface Finding {
  readonly code: FindingCode;
  readonly message: string;
}

/** A closed set; each has its row in docs/explain.md. */
export type FindingCode = keyof typeof WORDS;

type Arguments<Code extends FindingCode> = (typeof WORDS)[Code] extends (...args: infer Values) => string ? Values : [];

/** A finding in words: for people, free of what grpc-js would percent-encode, and of any secret. */
export function finding<Code extends FindingCode>(code: Code, ...values: Arguments<Code>): Finding;
export function finding(code: FindingCode, ...values: unknown[]): Finding {
  const words: string | ((...values: never[]) => string) = WORDS[code];
  return { code, message: typeof words === "string" ? words : Reflect.apply(words, undefined, values) };
}

const at = (line: number, column: number): string => `at line ${line} column ${column}`;

const WORDS = {
  // The body.
  too_large: (bytes: number, most: number) => `The body has ${bytes} bytes. A login has at most ${most}`,
  malformed: (message: string) => message,
  form_encoded: "The body is form-encoded as curl -d sends it. Send JSON",
  double_encoded: "The body is JSON that was encoded as a JSON string once more. Encode it once",
  escaped_quotes:
    "The quotes of the body have backslashes before them. The shell did not take them away. Send them without",
  missing_comma: (line: number, column: number) => `A comma is missing in the JSON ${at(line, column)}`,
  trailing_comma: (line: number, column: number) =>
    `There is a trailing comma in the JSON ${at(line, column)}. Remove it`,
  single_quotes: (line: number, column: number) =>
    `The JSON has single quotes ${at(line, column)}. JSON takes double quotes`,
  unquoted_name: (line: number, column: number) =>
    `A field's name has no quotes ${at(line, column)}. JSON takes double quotes`,
  cut_short: (characters: number) =>
    `The body ends too early after ${characters} characters. Check Content-Length and the size of the buffer it was built in`,
  field_name: (field: string, sent: string) => `${field} is missing and ${sent} is no field. Spell it ${field}`,
  missing_field: (message: string) => message,
  key_sent: (keyId: string) =>
    `The request carries the secret of key ${keyId} itself. Only the signature made with it is to be sent. Take the key for known and replace it`,

  // The device_key.
  device_key_shape: (message: string) => message,
  other_device_key: (how: string) =>
    `The body's device_key is not the one that was named. ${how}. The gateway goes by the body`,

  // The timestamp.
  milliseconds: "timestamp is in milliseconds. Send whole seconds and sign those",
  microseconds: "timestamp is in microseconds. Send whole seconds and sign those",
  nanoseconds: "timestamp is in nanoseconds. Send whole seconds and sign those",
  fraction: "timestamp has a fraction. Send whole seconds and sign those",
  date_string: "timestamp is a date in words. Send the Unix time in whole seconds and sign that",
  timestamp_shape: (message: string) => message,
  clock_behind: (off: string, hint: string) =>
    `The timestamp is ${off} behind the gateway. Set the clock from server_time and sign again${hint}`,
  clock_ahead: (off: string) =>
    `The timestamp is ${off} ahead of the gateway. Set the clock from server_time and sign again`,
  clock_never_set: (year: number) =>
    `The timestamp lies in ${year}. The board's clock was never set. Set it from server_time before the login`,
  time_zone: (off: string, side: string) =>
    `The timestamp is ${off} ${side} the gateway to the minute. That is a time zone. Unix time is UTC everywhere`,

  // The signature as it is written.
  openssl_label: "device_signature carries what openssl or sha256sum prints around it. Send the 64 hex digits alone",
  hex_prefix: "device_signature starts with 0x. Send the 64 hex digits alone",
  base64: "device_signature is the HMAC in base64. Send it as 64 hex digits",
  base64_of_hex: "device_signature is base64 of the hex digits. Send the 64 hex digits themselves",
  double_hex: "device_signature was turned into hex twice. Send the 64 hex digits of the first time",
  signature_separators:
    "device_signature has separators between its bytes. Send 64 hex digits with nothing between them",
  signature_white_space: "device_signature has white space around it. Send the 64 hex digits alone",
  signature_quotes: "device_signature has quotes of its own around it. Send the 64 hex digits alone",
  signature_shape: (message: string) => message,
  signature_truncated: (digits: number, part: string) =>
    `device_signature is the ${part} ${digits} digits of the signature. It takes 64 and room for what ends a string`,
  signature_too_long: (digits: number) =>
    `device_signature is the signature and ${digits} digits more. Send the first 64 alone`,
  hex_without_zeros: "device_signature lacks the zeros of bytes under 16. Print each byte with %02x instead of %x",
  sign_extended_hex: "device_signature has ffffff before some bytes. Print them as unsigned char",
  byte_order: (how: string) => `device_signature has its bytes ${how}. Send them as HMAC gives them`,

  // The device.
  unknown_device: "No device of this device_key is enrolled. Check its spelling or enrol it",
  device_disabled: "The device is disabled. Enable it or leave it be",
  customer_disabled: "The device's customer is disabled and with it all its devices",
  no_live_key: (purpose: KeyPurpose) =>
    `The device's customer has no live ${purpose} key that opens. Issue one or see whether the master key is the right one`,

  // The key.
  older_key: (keyId: string, newer: string) =>
    `It is signed with key ${keyId} and that is still good. Key ${newer} is newer. Flash that one before the older is retired`,
  moving: (keyId: string) =>
    `It is signed with the shared key ${keyId} and that is good until the device first logs in with its own key`,
  pending_key: (keyId: string, time: string) => `It is signed with key ${keyId} that begins to be good in ${time}`,
  expired_key: (keyId: string, time: string) =>
    `It is signed with key ${keyId} that expired ${time} ago. Flash a live one`,
  retired_key: (keyId: string, time: string) =>
    `It is signed with key ${keyId} that was retired ${time} ago. Flash a live one`,
  shared_key: (keyId: string) =>
    `It is signed with the shared key ${keyId}. This device has to sign with its own key. Flash what derive-key gives for it`,
  derived_key: (keyId: string) =>
    `It is signed with a key derived from ${keyId} for this device although it is to sign with the shared key. Set its key mode to derived or flash the shared key`,
  derivation_key: (keyId: string) =>
    `It is signed with the derivation key ${keyId} itself. That key must never leave the operator. Replace it and flash what derive-key gives`,
  wrong_derivation: (keyId: string, how: string) =>
    `It is signed with a key derived wrongly from ${keyId}. ${how}. Flash what derive-key gives for this device`,
  other_boards_key: (keyId: string) =>
    `It is signed with a key derived from ${keyId} for another device_key than was named. Flash each board with its own`,

  // The key as the firmware has it.
  key_line_break: "The key has a line break at its end in the firmware. Take it away",
  key_white_space: "The key has white space around it or lacks its own. Use it exactly as it was issued",
  key_label:
    "The key has a name and a space before it in the firmware as the command line prints it. Flash what comes after the space",
  key_quotes: "The key has quotes around it in the firmware. Take them away",
  key_hex_decoded: "The key was decoded from hex. Its characters themselves are the key",
  key_base64_decoded: "The key was decoded from base64. Its characters themselves are the key",
  key_encoded: (how: string) => `The key was turned into ${how} first. Its characters themselves are the key`,
  key_case: (how: string) => `The key was turned into ${how}. Use it exactly as it was issued`,
  key_truncated: (bytes: number) =>
    `Only the first ${bytes} bytes of the key were used. Check the size of the buffer it is kept in`,
  key_encoding: (how: string) => `The key's characters were taken as ${how}. Its UTF-8 bytes are the key`,
  empty_key: "It is signed with an empty key. The board does not have its key or does not find it",
  placeholder_key: "It is signed with the placeholder of an example. Put the customer key in its place",
  name_as_key: (name: string) => `It is signed with the ${name} as the key. Sign with the customer key`,

  // The message.
  parts_swapped: "The parts are swapped. Sign the timestamp followed at once by the device_key",
  trailing_newline: "There is a line break at the end of what was signed. Sign without it as printf %s or echo -n do",
  trailing_byte: (what: string) => `There is ${what} at the end of what was signed. Sign without it`,
  separator: (what: string) => `There is ${what} between the parts of what was signed. Sign with nothing between them`,
  one_part: (part: string) => `Only the ${part} was signed. Sign the timestamp followed at once by the device_key`,
  empty_message: "Nothing was signed. Sign the timestamp followed at once by the device_key",
  signed_body: "The JSON was signed. Sign the timestamp followed at once by the device_key",
  signed_milliseconds: "The timestamp was signed in milliseconds and sent in seconds. Sign the seconds that are sent",
  signed_text:
    "The timestamp was signed as it stands in the body. Sign it in plain decimal digits without a fraction or an exponent",
  signed_as_sent: "The timestamp was signed as it was sent. Sign the whole seconds that are to be sent",
  signed_decimals: "The timestamp was signed as a decimal fraction. Sign it in whole seconds without a point and zero",
  other_timestamp: (off: string) =>
    `The timestamp that was signed is ${off} the one that was sent. Read the clock once and use that for both`,
  local_time: (off: string) =>
    `The time that was signed is ${off} the one that was sent. That is a time zone. Sign what is sent`,
  signed_device_key: (how: string) => `Another spelling of device_key was signed than was sent. ${how}`,

  // The function.
  key_and_message_swapped: "Key and message are swapped in the call of HMAC. The customer key is the key",
  plain_hash: (how: string) => `It is ${how} rather than an HMAC. Use HMAC-SHA256 with the customer key as the key`,
  other_hash: (algorithm: string) => `It is made with ${algorithm}. Use HMAC-SHA256`,

  // What it comes to.
  signature_right: (keyId: string) => `The signature itself is right. It is made with key ${keyId}`,
  nothing_wrong: (keyId: string, replay: string) =>
    `Nothing is wrong with it. It is signed with key ${keyId}. If it was refused a limit was spent${replay}. See the device's last failure`,
  no_known_mistake:
    "The signature comes from no known mistake with the keys of this device. Most likely the board has another secret. Compare with what countersign sign prints for the same timestamp",
} satisfies Record<string, string | ((...values: never[]) => string)>;

/** Every code, in the order of the page. */
export const FINDING_CODES: readonly string[] = Object.keys(WORDS);

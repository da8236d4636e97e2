// The closed set of findings, with their messages.

import type { KeyPurpose } from "../ports.ts";

export interface Finding {
  readonly code: FindingCode;
  readonly message: string;
}

/** A closed set, which programs match on. */
export type FindingCode = keyof typeof WORDS;

type Arguments<Code extends FindingCode> = (typeof WORDS)[Code] extends (...args: infer Values) => string ? Values : [];

/** A finding in words: for people, free of what grpc-js would percent-encode, and of any secret. */
export function finding<Code extends FindingCode>(code: Code, ...values: Arguments<Code>): Finding;
export function finding(code: FindingCode, ...values: unknown[]): Finding {
  const words: string | ((...values: never[]) => string) = WORDS[code];
  return { code, message: typeof words === "string" ? words : Reflect.apply(words, undefined, values) };
}

const WORDS = {
  // The body.
  too_large: (bytes: number, most: number) => `The body has ${bytes} bytes. A login has at most ${most}`,
  malformed: (message: string) => message,
  missing_comma: (message: string) => message,
  trailing_comma: (message: string) => message,
  field_name: (field: string, sent: string) => `${field} is missing and ${sent} is no field. Spell it ${field}`,
  missing_field: (field: string) => `${field} is missing or empty`,
  key_sent: (keyId: string) => `The request carries the secret of key ${keyId} itself. Replace that key`,

  // The device_key.
  device_key_shape: (message: string) => message,
  other_device_key: "The device_key of the body is not the one that was named. The gateway goes by the body",

  // The timestamp.
  milliseconds: "timestamp is in milliseconds or finer. Send whole seconds and sign those",
  fraction: "timestamp has a fraction. Send whole seconds and sign those",
  date_string: "timestamp is a date in words. Send the Unix time in whole seconds and sign that",
  timestamp_shape: (message: string) => message,
  clock_behind: (off: string) =>
    `The timestamp is ${off} behind the gateway. Set the clock from server_time. Of an old request say when it was received`,
  clock_ahead: (off: string) => `The timestamp is ${off} ahead of the gateway. Set the clock from server_time`,
  clock_never_set: (year: number) => `The timestamp lies in ${year}. Set the clock from server_time before the login`,
  time_zone: (off: string) => `The timestamp is a time zone of ${off} off. Unix time is UTC everywhere`,

  // The signature as it is written.
  openssl_label: "device_signature carries what openssl or sha256sum prints around it. Send the 64 hex digits alone",
  base64: "device_signature is the HMAC in base64. Send it as 64 hex digits",
  signature_separators: "device_signature has characters around or between its digits. Send the 64 hex digits alone",
  signature_shape: (message: string) => message,
  signature_truncated: (digits: number) =>
    `device_signature has ${digits} of the 64 digits. Check the size of the buffer`,
  signature_too_long: (digits: number) => `device_signature has ${digits} digits too many. Send the first 64 alone`,
  hex_without_zeros: "device_signature lacks the zeros of bytes under 16. Print each byte with %02x instead of %x",

  // The device.
  unknown_device: "No device of this device_key is enrolled. Check its spelling or enrol it",
  device_disabled: "The device is disabled. Enable it or leave it be",
  customer_disabled: "The device's customer is disabled and with it all its devices",
  no_live_key: (purpose: KeyPurpose) => `The customer has no live ${purpose} key that opens. Issue one`,

  // The key.
  older_key: (keyId: string, newer: string) => `It is signed with key ${keyId}. Key ${newer} is newer. Flash that one`,
  moving: (keyId: string) => `It is signed with the shared key ${keyId}. The end of the move will refuse it`,
  pending_key: (keyId: string, time: string) => `It is signed with key ${keyId} that becomes valid in ${time}`,
  expired_key: (keyId: string, time: string) => `It is signed with key ${keyId} that expired ${time} ago`,
  retired_key: (keyId: string, time: string) => `It is signed with key ${keyId} that was retired ${time} ago`,
  shared_key: (keyId: string) =>
    `It is signed with the shared key ${keyId}. Flash what derive-key gives for this device`,
  derived_key: (keyId: string) =>
    `It is signed with a key derived from ${keyId}. Flash the shared key or set key mode derived`,
  derivation_key: (keyId: string) =>
    `It is signed with the derivation key ${keyId} itself. Replace that key and flash what derive-key gives`,
  wrong_derivation: (keyId: string) =>
    `It is signed with a key derived wrongly from ${keyId}. Flash what derive-key gives`,
  other_boards_key: (keyId: string) =>
    `It is signed with a key derived from ${keyId} for the device_key of the body. Flash each board with its own`,

  // The key as the firmware has it.
  key_line_break: "The key has a line break at its end in the firmware. Remove it",
  key_white_space: "The key has white space around it or lacks its own. Use it exactly as it was issued",
  key_label: "The key has a name before it in the firmware. Flash what comes after the space",
  key_quotes: "The key has quotes around it in the firmware. Remove them",
  key_decoded: (how: string) => `The key was decoded from ${how}. Its characters themselves are the key`,
  key_encoded: (how: string) => `The key was turned into ${how} first. Its characters themselves are the key`,
  key_case: (how: string) => `The key was turned into ${how}. Use it exactly as it was issued`,
  key_truncated: (bytes: number) => `Only the first ${bytes} bytes of the key were used. Check the size of its buffer`,
  empty_key: "It is signed with an empty key. The board does not have its key or does not find it",
  placeholder_key: "It is signed with a placeholder or a name. Put the customer key in its place",

  // The message.
  parts_swapped: "The parts are swapped. Sign the timestamp followed at once by the device_key",
  trailing_newline: "There is a line break at the end of what was signed. Sign without it as printf %s or echo -n do",
  trailing_byte: (name: string) => `There is ${name} at the end of what was signed. Sign without it`,
  separator: (name: string) => `There is ${name} between the parts of what was signed. Sign with nothing between them`,
  one_part: (part: string) => `Only the ${part} was signed. Sign the timestamp followed at once by the device_key`,
  signed_body: "The JSON was signed. Sign the timestamp followed at once by the device_key",
  signed_milliseconds: "The timestamp was signed in milliseconds and sent in seconds. Sign the seconds that are sent",
  signed_as_sent: "The timestamp was signed as it was sent. Sign the whole seconds in plain digits",
  other_timestamp: "Another second was signed than was sent. Read the clock once and use that for both",
  signed_device_key: (how: string) => `The device_key was signed in ${how}. Sign it as it is sent`,

  // The function.
  key_and_message_swapped: "Key and message are swapped in the call of HMAC. The customer key is the key",
  plain_hash: "It is a plain hash rather than an HMAC. Use HMAC-SHA256 with the customer key as the key",
  other_hash: (algorithm: string) => `It is made with ${algorithm}. Use HMAC-SHA256`,

  // A client assertion.
  assertion_form: (message: string) => message,
  no_public_key: "The device has no public key. Enrol that of its key pair or sign by HS256 with the customer key",
  other_alg: (alg: string) => `The device's key pair is of another kind. Sign by ${alg}`,
  other_key_pair:
    "It is signed with another key pair than the device's or another text was signed. Enrol its public key",
  signature_asn1: "The signature is in ASN.1. Send its two numbers of 32 bytes side by side as JWS has them",
  own_key_pair: "The device has a public key and signs with the private one alone. Sign by ES256 or EdDSA",
  key_too_short: (keyId: string, bytes: number) =>
    `Key ${keyId} has ${bytes} bytes. HS256 takes 32 or more. Issue another key`,
  no_known_key: "No key of the customer gives this signature. Sign the first two parts as they are sent",

  // The verdict.
  signature_right: (keyId: string) => `The signature itself is right. It is made with key ${keyId}`,
  nothing_wrong: (keyId: string, replay: string) =>
    `Nothing is wrong with it. It is signed with key ${keyId}. If it was refused a limit was spent${replay}`,
  no_known_mistake:
    "No single known mistake gives this signature. Compare with what countersign sign prints for the same timestamp",
} satisfies Record<string, string | ((...values: never[]) => string)>;

/** Every code. */
export const FINDING_CODES: readonly string[] = Object.keys(WORDS);

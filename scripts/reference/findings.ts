// Renders docs/reference/findings.md: every finding of explain with its cause and cure.

import type { FindingCode } from "../../src/core/explain/findings.ts";

interface Text {
  readonly cause: string;
  readonly cure: string;
}

const BODY = {
  too_large: { cause: "over 4 KiB", cure: "send the three fields alone" },
  malformed: { cause: "another mistake, which the message names", cure: "as the message says" },
  missing_comma: { cause: "no comma between two fields", cure: "add it" },
  trailing_comma: { cause: "a comma before the closing brace", cure: "remove it" },
  field_name: { cause: "another spelling, as in `device-signature`", cure: "spell it as the contract does" },
  missing_field: { cause: "a field is missing", cure: "send it" },
  key_sent: { cause: "**serious**: the request carries the key", cure: "send the signature alone; replace the key" },
} satisfies Partial<Record<FindingCode, Text>>;

const DEVICE = {
  device_key_shape: { cause: "not 1 to 96 visible ASCII characters", cure: "often a line break at the end" },
  other_device_key: { cause: "the body has another one than the command", cure: "use one" },
  unknown_device: { cause: "not enrolled", cure: "check the spelling; `devices create`" },
  device_disabled: { cause: "the device is disabled", cure: "`devices enable`" },
  customer_disabled: { cause: "its customer is disabled", cure: "`customers enable`" },
  no_live_key: {
    cause: "the customer has no live key that opens",
    cure: "`customer-keys issue`; check the master key",
  },
} satisfies Partial<Record<FindingCode, Text>>;

const TIMESTAMP = {
  milliseconds: { cause: "13, 16 or 19 digits", cure: "send and sign whole seconds" },
  fraction: { cause: "a decimal fraction", cure: "send and sign whole seconds" },
  date_string: { cause: "a date in words", cure: "Unix time in whole seconds" },
  timestamp_shape: { cause: "not a whole number of at most ten digits", cure: "as the message says" },
  clock_behind: { cause: "older than `CLOCK_SKEW`", cure: "set the clock from `server_time` or `GET /auth/time`" },
  clock_ahead: { cause: "ahead by more than `CLOCK_SKEW`", cure: "the same" },
  clock_never_set: { cause: "before September 2001, where clocks start", cure: "set the clock before the login" },
  time_zone: { cause: "off by a time zone, to the minute", cure: "Unix time is UTC" },
} satisfies Partial<Record<FindingCode, Text>>;

const SIGNATURE = {
  openssl_label: { cause: "`SHA2-256(stdin)= …`, `… *stdin`, `…  -`", cure: "the 64 digits alone" },
  base64: { cause: "base64", cure: "hex" },
  signature_separators: { cause: "`0x`, spaces or separators", cure: "the 64 digits alone" },
  signature_shape: { cause: "not 64 hex digits", cure: "as the message says" },
  signature_truncated: { cause: "a part of the right one", cure: "a buffer of 65 bytes or more" },
  signature_too_long: { cause: "the right one and more", cure: "the first 64 digits" },
  hex_without_zeros: { cause: "bytes under 16 have one digit", cure: "`%02x` for `%x`" },
} satisfies Partial<Record<FindingCode, Text>>;

const KEY = {
  older_key: { cause: "a live key, not the newest", cure: "flash the newest before this one is retired" },
  moving: { cause: "the shared key, during a move", cure: "flash the device's own" },
  pending_key: { cause: "its `not_before` is in the future", cure: "wait, or flash a live one" },
  expired_key: { cause: "its `expires_at` has passed", cure: "flash a live one" },
  retired_key: { cause: "a retired key", cure: "flash a live one" },
  shared_key: { cause: "the shared key after the move", cure: "flash what `devices derive-key` prints" },
  derived_key: { cause: "a derived key of a shared-key device", cure: "`devices update --key-mode derived`" },
  derivation_key: { cause: "**serious**: the derivation key is in a board", cure: "replace it; flash derived keys" },
  wrong_derivation: { cause: "derived in another way", cure: "flash what `devices derive-key` prints" },
  other_boards_key: { cause: "derived for the device_key of the body", cure: "flash each board with its own" },
  key_line_break: { cause: "a line break at its end", cure: "remove it" },
  key_white_space: { cause: "white space around it", cure: "remove it" },
  key_label: { cause: "the whole line, as in `pump-7 9b1f…`", cure: "the part after the space" },
  key_quotes: { cause: "quotes around it", cure: "remove them" },
  key_decoded: { cause: "decoded from hex or base64", cure: "its characters are the key" },
  key_encoded: { cause: "encoded into hex or base64", cure: "its characters are the key" },
  key_case: { cause: "in upper or lower case", cure: "as it was issued" },
  key_truncated: { cause: "cut", cure: "a larger buffer, with room for the zero byte" },
  empty_key: { cause: "empty", cure: "the board lacks its key or does not find it" },
  placeholder_key: { cause: "`customer_key`, `undefined`, a device_key …", cure: "put the key in its place" },
} satisfies Partial<Record<FindingCode, Text>>;

const MESSAGE = {
  parts_swapped: { cause: "device_key before timestamp", cure: "timestamp first" },
  trailing_newline: { cause: "a line break at the end", cure: "`printf %s`, `echo -n`" },
  trailing_byte: { cause: "a space or zero byte at the end", cure: "the length without it" },
  separator: { cause: "something between the parts", cure: "nothing between them" },
  one_part: { cause: "timestamp or device_key alone", cure: "both" },
  signed_body: { cause: "the JSON", cure: "the two parts" },
  signed_milliseconds: { cause: "milliseconds signed, seconds sent", cure: "sign what is sent" },
  signed_as_sent: {
    cause: "the timestamp as the body has it, not in whole seconds",
    cure: "send and sign whole seconds",
  },
  other_timestamp: { cause: "a second before or after", cure: "read the clock once" },
  signed_device_key: { cause: "another spelling of the device_key", cure: "sign what is sent" },
  key_and_message_swapped: { cause: "key and message swapped", cure: "the customer key is the key" },
  plain_hash: { cause: "a hash, not an HMAC", cure: "HMAC-SHA256" },
  other_hash: { cause: "not SHA-256", cure: "HMAC-SHA256" },
} satisfies Partial<Record<FindingCode, Text>>;

const VERDICT = {
  signature_right: { cause: "the signature is right; other findings apply", cure: "see those" },
  nothing_wrong: { cause: "the login would be admitted", cure: "a limit or the replay guard: `devices show`" },
  no_known_mistake: {
    cause: "likely another key is flashed, or two mistakes at once",
    cure: "compare with `countersign sign --timestamp` step by step, and the [vectors](../../test/vectors/)",
  },
} satisfies Partial<Record<FindingCode, Text>>;

const SECTIONS: readonly (readonly [title: string, texts: Readonly<Record<string, Text>>])[] = [
  ["Body", BODY],
  ["Device", DEVICE],
  ["Timestamp", TIMESTAMP],
  ["Form of the signature", SIGNATURE],
  ["Key", KEY],
  ["Signed message and function", MESSAGE],
  ["Verdict", VERDICT],
];

/** A finding without a text does not compile. */
({ ...BODY, ...DEVICE, ...TIMESTAMP, ...SIGNATURE, ...KEY, ...MESSAGE, ...VERDICT }) satisfies Record<
  FindingCode,
  Text
>;

export function renderFindings(): string {
  const tables = SECTIONS.map(([title, texts]) => {
    const rows = Object.entries(texts).map(([code, { cause, cure }]) => `| \`${code}\` | ${cause} | ${cure} |`);
    return [`## ${title}\n`, "| code | cause | cure |", "|---|---|---|", ...rows].join("\n");
  });
  return `# Findings of explain

<!-- Made by npm run gen. -->

[explain.md](../explain.md) says how to get them.

${tables.join("\n\n")}
`;
}

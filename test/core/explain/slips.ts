// Logins with the known mistakes of firmware, and random bodies, for tests of explanations.

import { createHash } from "node:crypto";
import fc from "fast-check";
import type { FindingCode } from "../../../src/core/explain/findings.ts";
import { boardKey, hmac, SECONDS, SECRETS, SHARED } from "./desk.ts";

/** The random part of a right login. */
export interface Sample {
  readonly key: string;
  readonly second: number;
}

export interface Slip {
  readonly code: FindingCode;
  readonly key?: (key: string) => string | Buffer;
  /** By the second and its milliseconds. */
  readonly message?: (second: number, ms: number) => string;
  readonly signature?: (mac: Buffer) => string;
  readonly timestamp?: (second: number, ms: number) => string;
  readonly mac?: (key: string, message: string) => Buffer;
}

const milli = (second: number, ms: number): number => second * 1000 + ms;
const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();

/** The known mistakes of firmware, each in one form or more. */
export const SLIPS: readonly Slip[] = [
  { code: "parts_swapped", message: (second) => `${SHARED}${second}` },
  { code: "trailing_newline", message: (second) => `${second}${SHARED}\n` },
  { code: "trailing_newline", message: (second) => `${second}${SHARED}\r\n` },
  ...[" ", ":", ",", ".", "|", "\n", "_", "-"].map((separator) => ({
    code: "separator" as const,
    message: (second: number) => `${second}${separator}${SHARED}`,
  })),
  { code: "one_part", message: (second) => `${second}` },
  { code: "one_part", message: () => SHARED },
  { code: "signed_milliseconds", message: (second, ms) => `${milli(second, ms)}${SHARED}` },
  {
    code: "milliseconds",
    message: (second) => `${second}${SHARED}`,
    timestamp: (second, ms) => `${milli(second, ms)}`,
  },
  {
    code: "signed_as_sent",
    message: (second, ms) => `${milli(second, ms)}${SHARED}`,
    timestamp: (second, ms) => `${milli(second, ms)}`,
  },
  { code: "signed_device_key", message: (second) => `${second}${SHARED.toUpperCase()}` },
  { code: "other_timestamp", message: (second, ms) => `${second + 1 + (ms % 10)}${SHARED}` },
  { code: "local_time", message: (second, ms) => `${second + 1800 * (1 + (ms % 28))}${SHARED}` },
  { code: "local_time", message: (second, ms) => `${second - 1800 * (1 + (ms % 28))}${SHARED}` },
  { code: "key_line_break", key: (key) => `${key}\n` },
  { code: "key_line_break", key: (key) => `${key}\r\n` },
  { code: "key_white_space", key: (key) => ` ${key}` },
  { code: "key_quotes", key: (key) => `"${key}"` },
  { code: "key_label", key: (key) => `${SHARED} ${key}` },
  { code: "key_label", key: (key) => `${SHARED} ${key}\n` },
  { code: "key_label", key: (key) => `customer_key ${key}` },
  { code: "key_label", key: (key) => `key ${key}` },
  { code: "key_case", key: (key) => key.toUpperCase() },
  { code: "key_truncated", key: (key) => key.slice(0, -1) },
  { code: "key_truncated", key: (key) => key.slice(0, Math.ceil(key.length / 2)) },
  { code: "key_encoded", key: (key) => Buffer.from(key).toString("base64") },
  { code: "key_and_message_swapped", mac: (key, message) => hmac(message, key) },
  { code: "plain_hash", mac: (key, message) => sha256(key + message) },
  { code: "plain_hash", mac: (key, message) => sha256(message + key) },
  { code: "other_hash", mac: (key, message) => hmac(key, message, "sha1") },
  { code: "other_hash", mac: (key, message) => hmac(key, message, "sha512") },
  { code: "openssl_label", signature: (mac) => `SHA2-256(stdin)= ${mac.toString("hex")}` },
  { code: "base64", signature: (mac) => mac.toString("base64") },
  { code: "double_hex", signature: (mac) => Buffer.from(mac.toString("hex")).toString("hex") },
  { code: "signature_truncated", signature: (mac) => mac.toString("hex").slice(0, 63) },
  { code: "signature_separators", signature: (mac) => mac.toString("hex").replace(/..(?=.)/g, "$&:") },
];

export function bodyWith(slip: Omit<Slip, "code">, { key, second }: Sample, ms: number): { body: string; mac: Buffer } {
  const message = slip.message?.(second, ms) ?? `${second}${SHARED}`;
  const used = slip.key?.(key) ?? key;
  const mac = slip.mac?.(String(used), message) ?? hmac(used, message);
  const timestamp = slip.timestamp?.(second, ms) ?? second;
  const signature = slip.signature?.(mac) ?? mac.toString("hex");
  return {
    body: JSON.stringify({ device_key: SHARED, timestamp: "TIME", device_signature: signature }).replace(
      '"TIME"',
      `${timestamp}`,
    ),
    mac,
  };
}

export const samples = fc.record({
  key: fc.oneof(fc.stringMatching(/^[0-9a-f]{64}$/), fc.stringMatching(/^[!-~]{8,80}$/)),
  second: fc.integer({ min: SECONDS - 200, max: SECONDS + 200 }),
});
export const milliseconds = fc.integer({ min: 1, max: 999 });

/** Right bodies, bodies with a mistake, bodies with a piece cut out or put in, and noise. */
export const requests = fc
  .tuple(
    fc.oneof(fc.constant<Omit<Slip, "code">>({}), fc.constantFrom<Omit<Slip, "code">>(...SLIPS)),
    fc.oneof(
      fc.constantFrom<string>(SECRETS.login, SECRETS.older),
      fc.constantFrom<string>(...Object.values(SECRETS), boardKey(SHARED)),
    ),
    fc.integer({ min: SECONDS - 400, max: SECONDS + 400 }),
    milliseconds,
    fc.option(fc.tuple(fc.nat({ max: 220 }), fc.nat({ max: 3 }), fc.string({ unit: "binary", maxLength: 3 })), {
      freq: 1,
    }),
    fc.oneof({ arbitrary: fc.constant(null), weight: 9 }, fc.string({ unit: "binary" }), fc.json()),
  )
  .map(([slip, key, second, ms, tear, noise]) => {
    const { body } = bodyWith(slip, { key, second }, ms);
    if (noise !== null) return noise;
    if (tear === null) return body;
    const [at, length, put] = tear;
    return body.slice(0, at) + put + body.slice(at + length);
  });

// Reads a login's fields, and names the mistake in each.

import { AuthError, malformed } from "./errors.ts";

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The most characters a device_key has. */
export const MAX_DEVICE_KEY = 96;

/** Firmware for the ESP8266 in the field signs from a buffer of 42 bytes: ten digits, the device_key and a NUL. */
const LONGEST_ON_ESP8266 = 31;

/** A warning about a new device_key that some firmware cannot hold; undefined when there is none. */
export function warningOf(deviceKey: string): string | undefined {
  if (deviceKey.length <= LONGEST_ON_ESP8266) return undefined;
  const most = `Over ${LONGEST_ON_ESP8266} it overflows the buffer of 42 bytes in ESP8266 firmware in the field`;
  return `device_key has ${deviceKey.length} characters. ${most}`;
}

/** Whether a text has the shape of a device_key. */
export function isDeviceKey(text: string): boolean {
  return text.length <= MAX_DEVICE_KEY && VISIBLE_ASCII.test(text);
}

/**
 * Reads a `device_key`: 1 to 96 visible ASCII characters.
 * @throws AuthError `malformed`, naming the mistake
 */
export function readDeviceKey(text: string): string {
  if (text === "") throw malformed("device_key is missing or empty", "device_key");
  if (text.length > MAX_DEVICE_KEY) {
    throw malformed(`device_key has ${text.length} characters. Send at most ${MAX_DEVICE_KEY}`, "device_key");
  }
  if (!VISIBLE_ASCII.test(text)) {
    const position = [...text].findIndex((character) => !VISIBLE_ASCII.test(character)) + 1;
    throw malformed(`device_key has a character that is not visible ASCII at position ${position}`, "device_key");
  }
  return text;
}

const LARGEST = 9_999_999_999n;

/**
 * Reads a `timestamp`: Unix time in whole seconds, not negative, at most ten digits.
 * @throws AuthError `malformed`, naming the mistake and its cure
 */
export function readTimestamp(timestamp: bigint | undefined): number {
  if (timestamp === undefined)
    throw malformed("timestamp is missing. Send the Unix time in whole seconds", "timestamp");
  if (timestamp < 0n) throw malformed("timestamp is negative. Send the Unix time in whole seconds", "timestamp");
  if (timestamp <= LARGEST) return Number(timestamp);
  const digits = timestamp.toString().length;
  const unit = digits === 13 ? "milliseconds" : digits === 16 ? "microseconds" : digits === 19 ? "nanoseconds" : "";
  throw malformed(
    unit === ""
      ? `timestamp has ${digits} digits. Unix time in whole seconds has at most 10`
      : `timestamp is in ${unit}. Send whole seconds and sign those`,
    "timestamp",
  );
}

/**
 * Refuses a timestamp that is more than `skewMs` from `now`.
 * @throws AuthError `clock_skew` with the gateway's time, from which a board can set its clock
 */
export function checkFresh(timestamp: number, now: number, skewMs: number, name = "timestamp"): void {
  const offMs = timestamp * 1000 - now;
  if (Math.abs(offMs) <= skewMs) return;
  const seconds = Math.round(Math.abs(offMs) / 1000);
  throw new AuthError(
    "clock_skew",
    `${name} is ${seconds} seconds ${offMs > 0 ? "ahead of" : "behind"} the server. Set the clock from server_time and sign again`,
    { serverTime: Math.floor(now / 1000) },
  );
}

const HEX = /^[0-9a-fA-F]+$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
/** Output of openssl dgst, openssl dgst -r and sha256sum. */
const LABEL = /\)\s*=|^[A-Za-z0-9-]+\s*=\s*\S|^[0-9A-Fa-f]{64}\s+\S/;

/**
 * Reads a `device_signature`: exactly 64 hex digits, either case.
 * @returns the 32 bytes of the MAC
 * @throws AuthError `malformed`, naming the mistake and its cure
 */
export function readSignature(text: string): Buffer {
  if (text.length === 64 && HEX.test(text)) return Buffer.from(text, "hex");
  throw malformed(explainSignature(text), "device_signature");
}

function explainSignature(text: string): string {
  if (text === "") return "device_signature is missing or empty";
  const trimmed = text.trim();
  if (trimmed !== text && trimmed.length === 64 && HEX.test(trimmed)) {
    return "device_signature has white space around it. Send the 64 hex digits alone";
  }
  if (LABEL.test(trimmed)) {
    return "device_signature carries what openssl or sha256sum prints around it. Send the 64 hex digits alone";
  }
  if (/^0x/i.test(trimmed)) return "device_signature starts with 0x. Send the 64 hex digits alone";
  if (HEX.test(trimmed)) return `device_signature has ${trimmed.length} hex digits. HMAC-SHA256 gives 64`;
  if (BASE64.test(trimmed)) return "device_signature looks like base64. Send the HMAC as 64 hex digits";
  if (/^[0-9a-f]{2}([: -][0-9a-f]{2})+$/i.test(trimmed)) {
    return "device_signature has separators between its bytes. Send 64 hex digits with nothing between them";
  }
  return `device_signature is not hex. Send the HMAC-SHA256 as 64 hex digits (this has ${text.length} characters)`;
}

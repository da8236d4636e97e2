// The shape of a device_key.

import { malformed } from "./errors.ts";

const FIELD = "device_key";
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
  if (text === "") throw malformed("device_key is missing or empty", FIELD);
  if (text.length > MAX_DEVICE_KEY) {
    throw malformed(`device_key has ${text.length} characters. It has at most ${MAX_DEVICE_KEY}`, FIELD);
  }
  if (!VISIBLE_ASCII.test(text)) {
    const place = [...text].findIndex((character) => !VISIBLE_ASCII.test(character)) + 1;
    throw malformed(`device_key has a character that is not visible ASCII at place ${place}`, FIELD);
  }
  return text;
}

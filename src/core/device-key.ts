// The shape of a device_key. Knows nothing of who owns it.

import { malformed } from "./errors.ts";

const FIELD = "device_key";
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The most characters a device_key has. */
export const MAX_DEVICE_KEY = 96;

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

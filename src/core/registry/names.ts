// Names and labels of the registry, as operators write them.

import { AuthError, malformed } from "../errors.ts";
import { MAX_DEVICE_KEY, readDeviceKey } from "../login-fields.ts";

/** The field that names a row. */
const NAME_FIELDS = {
  customer: "customer_id",
  "customer key": "key_id",
  device: "device_key",
  "admin token": "token_id",
} as const;

/** Creates the error for a name that no row has. */
export function doesNotExist(row: keyof typeof NAME_FIELDS): AuthError {
  const field = NAME_FIELDS[row];
  return new AuthError("does_not_exist", `no ${row} has this ${field}`, { field });
}

/** Creates the error for a new row whose name is taken. */
export function alreadyExists(row: keyof typeof NAME_FIELDS): AuthError {
  const field = NAME_FIELDS[row];
  return new AuthError("already_exists", `this ${field} is taken already. Choose another`, { field });
}

const CUSTOMER_ID = /^[a-z0-9][a-z0-9-]{0,15}$/;
const MAX_DISPLAY_NAME = 200;
/** Control characters, and lone surrogates, which UTF-8 cannot encode. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;

/** Reads a `customer_id`. It is short because a login's answer, with the token, has to fit 900 bytes. @throws AuthError `malformed` */
export function readCustomerId(text: string): string {
  if (text === "") throw malformed("customer_id is missing", "customer_id");
  if (CUSTOMER_ID.test(text)) return text;
  throw malformed(
    "customer_id is malformed. Send 1 to 16 lower-case letters and digits and hyphens. Start with a letter or digit",
    "customer_id",
  );
}

/**
 * Reads the `device_key` of a new device. Quotes and backslashes count twice, as they do in a token: a login's answer has to fit 900
 * bytes.
 * @throws AuthError `malformed`
 */
export function readEnrolledDeviceKey(text: string): string {
  const deviceKey = readDeviceKey(text);
  const escaped = JSON.stringify(deviceKey).length - 2;
  if (escaped <= MAX_DEVICE_KEY) return deviceKey;
  throw malformed(
    `device_key takes ${escaped} characters in a token because of its quotes and backslashes. It may take ${MAX_DEVICE_KEY}`,
    "device_key",
  );
}

/** Reads a `display_name`: at most 200 UTF-16 code units, no control character. @throws AuthError `malformed` */
export function readDisplayName(text: string): string {
  if (text.length > MAX_DISPLAY_NAME) {
    throw malformed(`display_name has ${text.length} characters. Send at most ${MAX_DISPLAY_NAME}`, "display_name");
  }
  const position = positionOfUnprintable(text);
  if (position === 0) return text;
  throw malformed(`display_name has a control character at position ${position}. Remove it`, "display_name");
}

/** The position, from 1, of the first control character or lone surrogate; 0 if there is none. */
export function positionOfUnprintable(text: string): number {
  return text.search(UNPRINTABLE) + 1;
}

export type Labels = Readonly<Record<string, string>>;

/** The most labels that a device has. */
export const MOST_LABELS = 32;
const LONGEST_LABEL = 63;
const LABEL_NAME = /^[A-Za-z0-9._-]{1,63}$/;

/** Whether a label may have this name: 1 to 63 letters, digits, dots, underscores and hyphens. */
export function isLabelName(name: string): boolean {
  return LABEL_NAME.test(name);
}

/**
 * Reads labels: at most 32, with values of at most 63 characters without semicolons, which separate them in CSV.
 * @returns the labels sorted by name, so that equal ones are stored alike
 * @throws AuthError `malformed`
 */
export function readLabels(labels: Labels): Labels {
  const entries = Object.entries(labels);
  if (entries.length > MOST_LABELS) {
    throw malformed(`labels has ${entries.length} entries. Send at most ${MOST_LABELS}`, "labels");
  }
  for (const [index, [name, value]] of entries.entries()) {
    const mistake = mistakeOf(name, value);
    if (mistake !== undefined) throw malformed(`label ${index + 1} has ${mistake}`, "labels");
  }
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function mistakeOf(name: string, value: string): string | undefined {
  if (name === "") return "no name";
  if (!isLabelName(name)) {
    return `a name that is not of 1 to ${LONGEST_LABEL} letters and digits and dots and underscores and hyphens`;
  }
  if (value.length > LONGEST_LABEL) return `a value of ${value.length} characters. Send at most ${LONGEST_LABEL}`;
  if (value.includes(";")) return "a semicolon in its value. Remove it";
  if (positionOfUnprintable(value) > 0) return "a control character in its value. Remove it";
  return undefined;
}

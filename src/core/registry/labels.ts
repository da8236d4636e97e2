// Labels: words of the operator's own on a device.

import { malformed } from "../errors.ts";
import { placeOfUnprintable } from "./names.ts";

export type Labels = Readonly<Record<string, string>>;

const FIELD = "labels";
const MOST = 32;
const LONGEST = 63;
const NAME = /^[A-Za-z0-9._-]{1,63}$/;

/** Whether a label may have this name: 1 to 63 letters, digits, dots, underscores and hyphens. */
export function isLabelName(name: string): boolean {
  return NAME.test(name);
}

/**
 * Reads labels: at most 32, their values up to 63 characters without semicolons, which part them in CSV.
 * @returns them in the order of their names, so that equal ones are written alike
 * @throws AuthError `malformed`, naming the mistake
 */
export function readLabels(labels: Labels): Labels {
  const entries = Object.entries(labels);
  if (entries.length > MOST) {
    throw malformed(`labels has ${entries.length} entries. It has at most ${MOST}`, FIELD);
  }
  for (const [place, [name, value]] of entries.entries()) {
    const mistake = mistakeOf(name, value);
    if (mistake !== undefined) throw malformed(`label ${place + 1} has ${mistake}`, FIELD);
  }
  return Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}

function mistakeOf(name: string, value: string): string | undefined {
  if (name === "") return "no name";
  if (!isLabelName(name)) {
    return `a name that is not of 1 to ${LONGEST} letters and digits and dots and underscores and hyphens`;
  }
  if (value.length > LONGEST) return `a value of ${value.length} characters. It has at most ${LONGEST}`;
  if (value.includes(";")) return "a semicolon in its value. Take it out";
  if (placeOfUnprintable(value) > 0) return "a control character in its value. Take it out";
  return undefined;
}

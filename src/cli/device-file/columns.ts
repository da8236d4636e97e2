// The columns of device files, and suggestions for misspelt names.

import { closest, distance } from "fastest-levenshtein";

export const COLUMNS = [
  "device_key",
  "customer_id",
  "name",
  "key_mode",
  "shared_identity",
  "replay_guard",
  "labels",
  "disabled",
  "public_key",
] as const;

export type Column = (typeof COLUMNS)[number];

/** Largest number of edits for which a name is a misspelling of a column. */
const NEAR = 3;

/** Whether a column is called so, letter for letter. */
export function isColumn(name: string): name is Column {
  return COLUMNS.some((column) => column === name);
}

/** Describes a name that is no column. */
export function unknownColumn(name: string): string {
  const bare = name.trim().toLowerCase();
  const unknown = `there is no column ${quote(name)}`;
  if (SECRETS.includes(bare)) {
    return `${unknown}. Keys are not in this file. Take it out and see docs/migrating.md`;
  }
  const near = bare === DISPLAY_NAME ? "name" : closest(bare, COLUMNS);
  return bare === DISPLAY_NAME || distance(bare, near) <= NEAR
    ? `${unknown}. Is it ${near}?`
    : `${unknown}. The columns are ${COLUMNS.join(", ")}`;
}

/** Names that the exports of other servers have for a device's secret. */
const SECRETS = ["customer_key", "key", "secret"];

/** AdminService's name for the column name. */
const DISPLAY_NAME = "display_name";

/** A message of AdminService, in the words of a file. */
export function inColumns(text: string): string {
  return text.replaceAll(DISPLAY_NAME, "name");
}

/** As much of a file's bytes as a message repeats: visible, and not much. */
function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

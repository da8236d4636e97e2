// The columns that files of devices have: which there are, and which near miss is meant. Knows no format.

import { closest, distance } from "fastest-levenshtein";

export const COLUMNS = [
  "device_key",
  "customer_id",
  "name",
  "key_mode",
  "shared_identity",
  "replay_guard",
  "labels",
] as const;

export type Column = (typeof COLUMNS)[number];

/** So many letters may be wrong for a name to be taken for another. */
const NEAR = 3;

export function isColumn(name: string): name is Column {
  return COLUMNS.some((column) => column === name);
}

/** What is wrong with a name that is no column's. */
export function unknownColumn(name: string): string {
  const bare = name.trim().toLowerCase();
  const near = ALIASES[bare] ?? closest(bare, COLUMNS);
  const meant = ALIASES[bare] !== undefined || distance(bare, near) <= NEAR;
  return meant
    ? `there is no column ${quote(name)}. Is it ${near}?`
    : `there is no column ${quote(name)}. The columns are ${COLUMNS.join(", ")}`;
}

/** What AdminService calls a column. */
const ALIASES: Readonly<Record<string, Column>> = { display_name: "name" };

/** As much of a file's bytes as a message repeats: visible, and not much. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text);
}

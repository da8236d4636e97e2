// Reads and writes devices as rows of a file.

import { create } from "@bufbuild/protobuf";
import { closest, distance } from "fastest-levenshtein";
import {
  type Device,
  type ImportDevicesRequest_Row,
  ImportDevicesRequest_Row_LabelsSchema,
  ImportDevicesRequest_RowSchema,
  KeyMode,
  Status,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";

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

/** Whether a column has exactly this name. */
export function isColumn(name: string): name is Column {
  return COLUMNS.some((column) => column === name);
}

/** The most edits between a misspelt name and its column. */
const NEAR = 3;
/** Columns in which other servers export a device's secret. */
const SECRETS = ["customer_key", "key", "secret"];
/** AdminService's field for the column `name`. */
const DISPLAY_NAME = "display_name";

/** Describes an unknown column. The name may be any bytes of a file: the message shows its first characters, escaped. */
export function unknownColumn(name: string): string {
  const shown = JSON.stringify(name.length > 40 ? `${name.slice(0, 40)}…` : name);
  const bare = name.trim().toLowerCase();
  if (SECRETS.includes(bare)) {
    return `there is no column ${shown}. Keys do not belong in this file. Remove it and see docs/migrating.md`;
  }
  const near = bare === DISPLAY_NAME ? "name" : closest(bare, COLUMNS);
  const isNear = bare === DISPLAY_NAME || distance(bare, near) <= NEAR;
  return `there is no column ${shown}. ${isNear ? `Is it ${near}?` : `The columns are ${COLUMNS.join(", ")}`}`;
}

/** Replaces the field's name in a message of AdminService by the column's. */
export function inColumns(text: string): string {
  return text.replaceAll(DISPLAY_NAME, "name");
}

/** Key modes by their names in commands and files. */
export const KEY_MODES = { shared: KeyMode.SHARED, derived: KeyMode.DERIVED } as const;
export type KeyModeName = keyof typeof KEY_MODES;

type Value = string | boolean | Readonly<Record<string, string>>;

/** The values of a device, by column. */
export function fieldValuesOf(device: Device): Readonly<Record<Column, Value>> {
  return {
    device_key: device.deviceKey,
    customer_id: device.customerId,
    name: device.displayName,
    key_mode: device.keyMode === KeyMode.DERIVED ? "derived" : "shared",
    shared_identity: device.sharedIdentity,
    replay_guard: device.replayGuard ?? false,
    labels: device.labels,
    disabled: device.status === Status.DISABLED,
    public_key: device.publicKey,
  };
}

/** The cells of a device's line in CSV. */
export function cellsOf(device: Device): readonly string[] {
  const values = fieldValuesOf(device);
  return COLUMNS.map((column) => cellOf(values[column]));
}

function cellOf(value: Value): string {
  const text = typeof value === "object" ? labelsText(value) : String(value);
  return FORMULA.test(text) ? `'${text}` : text;
}

/** A cell that spreadsheets read as a formula. Writing puts an apostrophe before it; reading removes the apostrophe. */
const FORMULA = /^'*[=+\-@\t\r]/;

/** Writes labels as in site=north;line=7. */
export function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, text]) => `${name}=${text}`)
    .join(";");
}

/** Reads a record of CSV. An empty cell leaves the value as it is. */
export function readCells(header: readonly Column[], cells: readonly string[]): ImportDevicesRequest_Row | RowMistake {
  if (cells.length !== header.length) {
    return new RowMistake(
      `it has ${cells.length} columns and the header has ${header.length}. A value with a delimiter has to be quoted`,
    );
  }
  const values = cells.map((cell) => (cell.startsWith("'") && FORMULA.test(cell) ? cell.slice(1) : cell));
  return readRow(header.map((column, index) => [column, values[index] || undefined]));
}

/** A mistake in a record, which is then not sent. */
export class RowMistake extends Error {
  override readonly name = "RowMistake";
  /** The wrong column; empty: none. */
  readonly field: Column | "";
  constructor(message: string, field: Column | "" = "") {
    super(message);
    this.field = field;
  }
}

/** Reads a device's values, from CSV or JSON. An absent value leaves the device's own. The gateway checks the others. */
export function readRow(values: Iterable<readonly [Column, unknown]>): ImportDevicesRequest_Row | RowMistake {
  const row = create(ImportDevicesRequest_RowSchema);
  try {
    for (const [column, value] of values) if (value !== undefined && value !== null) setValue(row, column, value);
    return row;
  } catch (error) {
    if (error instanceof RowMistake) return error;
    throw error;
  }
}

function setValue(row: ImportDevicesRequest_Row, column: Column, value: unknown): void {
  if (column === "device_key") row.deviceKey = readName(column, value);
  else if (column === "customer_id") row.customerId = readName(column, value);
  else if (column === "name") row.displayName = readText(column, value);
  else if (column === "key_mode") row.keyMode = readWord(column, value, KEY_MODES);
  else if (column === "shared_identity") row.sharedIdentity = readWord(column, value, SWITCHES);
  else if (column === "replay_guard") row.replayGuard = readWord(column, value, SWITCHES);
  else if (column === "disabled") row.disabled = readWord(column, value, SWITCHES);
  else if (column === "public_key") row.publicKey = readText(column, value);
  else row.labels = create(ImportDevicesRequest_Row_LabelsSchema, { labels: parseLabels(value) });
}

/** The command line writes `on` and `off`, spreadsheets write `true` and `false`. */
const SWITCHES: Readonly<Record<string, boolean>> = { true: true, false: false, on: true, off: false };

function readText(column: Column, value: unknown): string {
  if (typeof value !== "string") throw new RowMistake(`${column} has to be text, in double quotes`, column);
  // The replacement character stands for bytes that are not UTF-8.
  if (value.isWellFormed() && !value.includes("\ufffd")) return value;
  throw new RowMistake(`${column} is not UTF-8. Save the file as UTF-8`, column);
}

/** CSV keeps a space that follows a comma. */
function readName(column: Column, value: unknown): string {
  const text = readText(column, value);
  if (text.trim() === text) return text;
  throw new RowMistake(`${column} begins or ends with a space. Remove it`, column);
}

function readWord<Meaning>(column: Column, value: unknown, words: Readonly<Record<string, Meaning>>): Meaning {
  const word = readName(column, String(value)).toLowerCase();
  const meaning = Object.hasOwn(words, word) ? words[word] : undefined;
  if (meaning !== undefined) return meaning;
  throw new RowMistake(`${column} has to be ${Object.keys(words).join(" or ")}`, column);
}

/** Reads an object of text, or `site=north;line=7`. @throws RowMistake */
export function parseLabels(value: unknown): Record<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, readText("labels", text)]));
  }
  const labels = new Map<string, string>();
  for (const pair of readText("labels", value).split(";")) {
    const [, name = "", text = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (name === "") throw new RowMistake("labels has to have the form site=north;line=7", "labels");
    if (labels.has(name.trim())) throw new RowMistake("labels has a name twice", "labels");
    labels.set(name.trim(), text);
  }
  return Object.fromEntries(labels);
}

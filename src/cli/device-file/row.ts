// A device between a record of a file and AdminService: the values of its columns.

import { create } from "@bufbuild/protobuf";
import {
  type ImportDevicesRequest_Row,
  ImportDevicesRequest_Row_LabelsSchema,
  ImportDevicesRequest_RowSchema,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Column } from "./columns.ts";
import { KEY_MODES } from "./key-modes.ts";

export interface Mistake {
  readonly message: string;
  /** The wrong column; empty: none. */
  readonly field: Column | "";
}

/** Thrown for a record that cannot be sent. */
export class RowMistake extends Error {
  override readonly name = "RowMistake";
  readonly field: Column | "";
  constructor(message: string, field: Column | "" = "") {
    // A file may have a million: no stack is captured.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = depth;
    this.field = field;
  }
}

export type Content = { readonly row: ImportDevicesRequest_Row } | { readonly mistake: Mistake };

/** Turns a RowMistake into content. */
export function contentOf(read: () => ImportDevicesRequest_Row): Content {
  try {
    return { row: read() };
  } catch (error) {
    if (error instanceof RowMistake) return { mistake: { message: error.message, field: error.field } };
    throw error;
  }
}

/**
 * Reads values: text of CSV, or of JSON. An absent one leaves the device as it is; the gateway checks the rest.
 * @throws RowMistake
 */
export function readRow(values: Iterable<readonly [Column, unknown]>): ImportDevicesRequest_Row {
  const row = create(ImportDevicesRequest_RowSchema);
  for (const [column, value] of values) if (value !== undefined && value !== null) setValue(row, column, value);
  return row;
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
  else row.labels = create(ImportDevicesRequest_Row_LabelsSchema, { labels: readLabels(value) });
}

/** Words of the command line, and of spreadsheets. */
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
  throw new RowMistake(`${column} begins or ends with a space. Take it out`, column);
}

function readWord<Meaning>(column: Column, value: unknown, words: Readonly<Record<string, Meaning>>): Meaning {
  const word = readName(column, String(value)).toLowerCase();
  const meaning = Object.hasOwn(words, word) ? words[word] : undefined;
  if (meaning !== undefined) return meaning;
  throw new RowMistake(`${column} has to be ${Object.keys(words).join(" or ")}`, column);
}

/** Reads an object of text, or `site=north;line=7`. */
function readLabels(value: unknown): Record<string, string> {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, readText("labels", text)]));
  }
  const pairs = readText("labels", value).split(";");
  const labels = pairs.map((pair) => /^([^=]+)=(.*)$/s.exec(pair)?.slice(1) ?? []);
  if (labels.some(({ length }) => length === 0)) {
    throw new RowMistake("labels has to be like site=north;line=7", "labels");
  }
  const entries = Object.fromEntries(labels.map(([name = "", text = ""]) => [name.trim(), text]));
  if (Object.keys(entries).length === pairs.length) return entries;
  throw new RowMistake("labels has a name twice", "labels");
}

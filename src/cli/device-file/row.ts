// A device between a row of a file and AdminService: what a column's value may be. Knows no file format.

import { create } from "@bufbuild/protobuf";
import {
  type ImportDevicesRequest_Row,
  ImportDevicesRequest_Row_LabelsSchema,
  ImportDevicesRequest_RowSchema,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { Column } from "./columns.ts";
import { KEY_MODES } from "./key-modes.ts";

/** Why a row cannot be sent. */
export interface Mistake {
  readonly message: string;
  /** The column it is in; empty: in none. */
  readonly field: Column | "";
}

/** A Mistake on its way. */
export class RowMistake extends Error {
  override readonly name = "RowMistake";
  readonly field: Column | "";
  constructor(message: string, field: Column | "" = "") {
    // A file may have a million of them, and none is a fault of the program's: no stack is captured.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message);
    Error.stackTraceLimit = depth;
    this.field = field;
  }
}

/** What a record holds: a row, or why it is none. */
export type Content = { readonly row: ImportDevicesRequest_Row } | { readonly mistake: Mistake };

/** Reads a row or says why it cannot be. @throws only bugs */
export function contentOf(read: () => ImportDevicesRequest_Row): Content {
  try {
    return { row: read() };
  } catch (error) {
    if (error instanceof RowMistake) return { mistake: { message: error.message, field: error.field } };
    throw error;
  }
}

/**
 * Reads a row's values: text as CSV has it, or what JSON has. Of those that are not there nothing is said, and they are left as
 * they are. What they may hold is the gateway's to say. @throws RowMistake
 */
export function readRow(values: Iterable<readonly [Column, unknown]>): ImportDevicesRequest_Row {
  const row = create(ImportDevicesRequest_RowSchema);
  for (const [column, value] of values) {
    if (value !== undefined && value !== null) READERS[column](row, value);
  }
  return row;
}

const READERS: Readonly<Record<Column, (row: ImportDevicesRequest_Row, value: unknown) => void>> = {
  device_key(row, value) {
    row.deviceKey = readName("device_key", value);
  },
  customer_id(row, value) {
    row.customerId = readName("customer_id", value);
  },
  name(row, value) {
    row.displayName = readText("name", value);
  },
  key_mode(row, value) {
    row.keyMode = readWord("key_mode", value, KEY_MODES);
  },
  shared_identity(row, value) {
    row.sharedIdentity = readWord("shared_identity", value, SWITCHES);
  },
  replay_guard(row, value) {
    row.replayGuard = readWord("replay_guard", value, SWITCHES);
  },
  labels(row, value) {
    row.labels = create(ImportDevicesRequest_Row_LabelsSchema, { labels: readLabels(value) });
  },
  disabled(row, value) {
    row.disabled = readWord("disabled", value, SWITCHES);
  },
};

/** As the command line has them, and as spreadsheets write them. */
const SWITCHES: Readonly<Record<string, boolean>> = { true: true, false: false, on: true, off: false };

function readText(column: Column, value: unknown): string {
  if (typeof value !== "string") throw new RowMistake(`${column} has to be text, in double quotes`, column);
  // The replacement character stands for bytes that are not UTF-8.
  if (!value.isWellFormed() || value.includes("\ufffd"))
    throw new RowMistake(`${column} is not UTF-8. Save the file as UTF-8`, column);
  return value;
}

/** No name has spaces, which CSV keeps behind a comma. */
function readName(column: Column, value: unknown): string {
  const text = readText(column, value);
  if (text.trim() !== text) throw spaced(column);
  return text;
}

function spaced(column: Column): RowMistake {
  return new RowMistake(`${column} begins or ends with a space. Take it out`, column);
}

function readWord<Meaning>(column: Column, value: unknown, words: Readonly<Record<string, Meaning>>): Meaning {
  const word = String(value).toLowerCase();
  if (word.trim() !== word) throw spaced(column);
  const meaning = Object.hasOwn(words, word) ? words[word] : undefined;
  if (meaning === undefined) throw new RowMistake(`${column} has to be ${Object.keys(words).join(" or ")}`, column);
  return meaning;
}

/** An object of text, or `site=north;line=7`: names have no equals sign, values no semicolon. */
function readLabels(value: unknown): Record<string, string> {
  if (typeof value === "string") {
    const entries = value.split(";").map((part) => {
      const middle = part.indexOf("=");
      if (middle < 1) throw new RowMistake("labels has to be like site=north;line=7", "labels");
      return [part.slice(0, middle).trim(), part.slice(middle + 1)] as const;
    });
    if (new Set(entries.map(([name]) => name)).size === entries.length) return Object.fromEntries(entries);
    throw new RowMistake("labels has a name twice", "labels");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RowMistake('labels has to be an object of texts, as in {"site": "north"}', "labels");
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [readText("labels", name), readText("labels", text)]),
  );
}

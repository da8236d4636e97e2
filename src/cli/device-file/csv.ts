// Devices as CSV (RFC 4180) below a header. Knows csv-parse, and no column's meaning.

import { CsvError, parse } from "csv-parse/sync";
import { type Column, isColumn, unknownColumn } from "./columns.ts";
import {
  type Block,
  endOfLine,
  type FileRecord,
  MAX_RECORD_BYTES,
  type Position,
  type ReadBlock,
  TOO_LONG,
} from "./records.ts";
import { type Content, contentOf, RowMistake, readRow, requireUtf8 } from "./row.ts";

const LINE_FEED = 0x0a;

const MISQUOTED = 'a double quote is out of place. A value that has one is quoted, and has it twice, as in "5"" pipe"';

/** Builds a reader of blocks of what is below a header. Empty lines are passed over. */
export function createCsvReader(header: readonly Column[]): ReadBlock {
  return (bytes, start, more): Block => {
    // The last line may go on: it is left for the next block.
    const whole = more ? bytes.subarray(0, bytes.lastIndexOf(LINE_FEED) + 1) : bytes;
    const records: FileRecord[] = [];
    for (let at: Position = start; ; ) {
      const rest = whole.subarray(at.offset - start.offset);
      const { found, failure } = readCells(rest);
      let read = 0;
      for (const { cells, end } of found) {
        const raw = rest.subarray(read, end);
        const next = { offset: at.offset + raw.length, line: at.line + countFeeds(raw) };
        records.push({ line: next.line - linesOf(cells, raw), next, content: readCellsAs(header, cells, raw) });
        at = next;
        read = end;
      }
      const left = rest.subarray(read);
      if (failure === "CSV_QUOTE_NOT_CLOSED") return { records, end: passBlankLines(left, at) };
      if (failure === undefined) {
        return { records, end: { offset: start.offset + whole.length, line: at.line + countFeeds(left) } };
      }
      // Nobody can say where such a record ends: its first line is given up, and the next may begin another.
      const wrong = passBlankLines(left, at);
      const next = endOfLine(left.subarray(wrong.offset - at.offset), wrong, false) ?? wrong;
      records.push({ line: wrong.line, next, content: { mistake: { message: MISQUOTED, field: "" } } });
      at = next;
    }
  };
}

/** Reads a header. @throws RowMistake */
export function readHeader(bytes: Buffer, customerGiven: boolean): { header: readonly Column[]; end: Position } {
  const { found, failure } = readCells(bytes);
  const [first] = found;
  if (first === undefined) {
    throw new RowMistake(failure === undefined ? "it is empty, and has to begin with a header" : MISQUOTED);
  }
  const raw = bytes.subarray(0, first.end);
  requireUtf8(raw);
  const header = first.cells.map(readColumn);
  const twice = header.find((column, place) => header.indexOf(column) !== place);
  if (twice !== undefined) throw new RowMistake(`its header has ${twice} twice`);
  for (const column of customerGiven ? (["device_key"] as const) : (["device_key", "customer_id"] as const)) {
    if (header.includes(column)) continue;
    const cure = column === "customer_id" ? ". Put it there, or give --customer ID for all" : "";
    throw new RowMistake(`its header has no column ${column}${cure}`);
  }
  return { header, end: { offset: first.end, line: 1 + countFeeds(raw) } };
}

function readColumn(text: string): Column {
  const name = text.trim();
  if (isColumn(name)) return name;
  if (name.includes(";") || name.includes("\t"))
    throw new RowMistake("its header has no commas, which part columns here");
  if (name.includes("\r")) throw new RowMistake("its lines end in a carriage return alone. Save it with line feeds");
  throw new RowMistake(`its first line has to be a header, and ${unknownColumn(name)}`);
}

interface Cells {
  readonly cells: readonly string[];
  /** Where their record ends, in bytes. */
  readonly end: number;
}

/** The records that bytes begin with; `failure`: what csv-parse calls what is wrong with the next. */
function readCells(bytes: Buffer): { found: readonly Cells[]; failure: string | undefined } {
  const found: Cells[] = [];
  try {
    parse(bytes, {
      // Either, in one file too: where it is of several hands, some are of another system.
      record_delimiter: ["\r\n", "\n"],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record(cells: string[], { bytes: end }) {
        found.push({ cells, end });
        return null;
      },
    });
    return { found, failure: undefined };
  } catch (error) {
    if (error instanceof CsvError) return { found, failure: error.code };
    throw error;
  }
}

function readCellsAs(header: readonly Column[], cells: readonly string[], raw: Buffer): Content {
  if (raw.length > MAX_RECORD_BYTES) return TOO_LONG;
  return contentOf(() => {
    if (cells.length !== header.length) {
      throw new RowMistake(
        `it has ${cells.length} columns and the header has ${header.length}. A value with a comma has to be quoted`,
      );
    }
    requireUtf8(raw);
    // An empty cell says nothing.
    return readRow(header.map((column, place) => [column, cells[place] || undefined]));
  });
}

/** The lines that a record has, without the empty ones before it. */
function linesOf(cells: readonly string[], raw: Buffer): number {
  const inside = cells.reduce((lines, cell) => lines + (cell.split("\n").length - 1), 0);
  return raw.at(-1) === LINE_FEED ? inside + 1 : inside;
}

function countFeeds(bytes: Buffer): number {
  let feeds = 0;
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) feeds++;
  return feeds;
}

/** Where the first line begins that has something in it. */
function passBlankLines(bytes: Buffer, at: Position): Position {
  const blank = /^(?:\r?\n)*/.exec(bytes.toString("latin1", 0, MAX_RECORD_BYTES))?.[0].length ?? 0;
  return { offset: at.offset + blank, line: at.line + countFeeds(bytes.subarray(0, blank)) };
}

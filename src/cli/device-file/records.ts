// The records of a file of devices: CSV by csv-parse, or a JSON object a line.

import { createInterface } from "node:readline";
import { pipeline, Readable } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import type { ImportDevicesRequest_Row } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { usageFailure } from "../terminal/output.ts";
import { type Column, isColumn, unknownColumn } from "./columns.ts";
import type { Format } from "./formats.ts";
import { type Content, contentOf, RowMistake, readRow } from "./row.ts";

export interface FileRecord {
  /** The line in which it begins, from 1. */
  readonly line: number;
  /** The line in which it ends. */
  readonly lastLine: number;
  readonly content: Content;
}

export interface FileOptions {
  /** The file's name in messages. */
  readonly name: string;
  readonly format: Format;
  /** The file may leave customer_id out. */
  readonly customerGiven: boolean;
}

/** The most bytes of a record. A device takes some hundreds. */
const MAX_RECORD_BYTES = 65_536;

/**
 * Reads records in order. @throws CommandFailure for a file that is no UTF-8 text or has a wrong header, and for misplaced quotes,
 * after which no record can be told from the next
 */
export async function* readRecords(source: AsyncIterable<Buffer>, options: FileOptions): AsyncGenerator<FileRecord> {
  const chunks = source[Symbol.asyncIterator]();
  const first = await chunks.next();
  const head: Buffer = first.done === true ? Buffer.alloc(0) : first.value;
  // UTF-16 and archives have zero bytes.
  if (head.includes(0)) throw usageFailure(`${options.name} is not UTF-8 text. Save it as CSV in UTF-8, or as NDJSON`);
  const text = Readable.from(rejoin(head, chunks));
  yield* options.format === "csv" ? readCsv(text, head, options) : readNdjson(text);
}

async function* rejoin(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
}

async function* readCsv(text: Readable, head: Buffer, options: FileOptions): AsyncGenerator<FileRecord> {
  const { name } = options;
  const parser = parse({
    bom: true,
    delimiter: delimiterOf(head),
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: MAX_RECORD_BYTES,
  });
  const parsed: AsyncIterable<{ readonly record: readonly string[]; readonly info: Info }> = pipeline(
    text,
    parser,
    () => {},
  );
  let header: readonly Column[] | undefined;
  try {
    for await (const { record, info } of parsed) {
      if (header === undefined) header = readHeader(record, options);
      else yield { line: firstLine(record, info.lines), lastLine: info.lines, content: readCells(header, record) };
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = "lines" in error ? ` at line ${String(error["lines"])}` : "";
    if (error.code === "CSV_MAX_RECORD_SIZE") {
      throw usageFailure(`${name} has a record of more than ${MAX_RECORD_BYTES} bytes${line}. Is a quote left open?`);
    }
    throw usageFailure(`${name} has a double quote out of place${line}. A quoted value has it twice, as in "5"" pipe"`);
  }
  if (header === undefined) throw usageFailure(`${name} is empty, and has to begin with a header`);
}

/** Spreadsheets of many countries write semicolons. */
function delimiterOf(head: Buffer): string {
  const [line = ""] = head.toString("utf8").split("\n");
  return [";", "\t"].find((delimiter) => line.includes(delimiter) && !line.includes(",")) ?? ",";
}

function readHeader(cells: readonly string[], { name, customerGiven }: FileOptions): readonly Column[] {
  const header = cells.map((cell) => {
    const column = cell.trim();
    if (isColumn(column)) return column;
    throw usageFailure(`${name}: its first line has to be a header, and ${unknownColumn(column)}`);
  });
  const twice = header.find((column, index) => header.indexOf(column) !== index);
  if (twice !== undefined) throw usageFailure(`${name}: its header has ${twice} twice`);
  for (const column of customerGiven ? (["device_key"] as const) : (["device_key", "customer_id"] as const)) {
    if (header.includes(column)) continue;
    const cure = column === "customer_id" ? ". Put it there, or give --customer ID for all" : "";
    throw usageFailure(`${name}: its header has no column ${column}${cure}`);
  }
  return header;
}

function firstLine(cells: readonly string[], lastLine: number): number {
  return lastLine - cells.reduce((feeds, cell) => feeds + (cell.split("\n").length - 1), 0);
}

function readCells(header: readonly Column[], cells: readonly string[]): Content {
  return contentOf(() => {
    if (cells.length !== header.length) {
      throw new RowMistake(
        `it has ${cells.length} columns and the header has ${header.length}. A value with a delimiter has to be quoted`,
      );
    }
    // An empty cell leaves the value as it is.
    return readRow(header.map((column, index) => [column, cells[index] || undefined]));
  });
}

async function* readNdjson(text: Readable): AsyncGenerator<FileRecord> {
  let line = 0;
  for await (const written of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
    line += 1;
    const json = line === 1 ? written.replace(/^\ufeff/, "") : written;
    if (json.trim() !== "") yield { line, lastLine: line, content: contentOf(() => readObject(json)) };
  }
}

function readObject(json: string): ImportDevicesRequest_Row {
  if (json.length > MAX_RECORD_BYTES) throw new RowMistake(`it has more than ${MAX_RECORD_BYTES} characters`);
  let members: unknown;
  try {
    members = JSON.parse(json);
  } catch {
    throw new RowMistake("it is no JSON. Each line has to be one object of its own");
  }
  if (typeof members !== "object" || members === null || Array.isArray(members)) {
    throw new RowMistake('it is no JSON object, as in {"device_key": "pump-7", "customer_id": "acme"}');
  }
  return readRow(
    Object.entries(members).map(([name, value]): [Column, unknown] => {
      if (!isColumn(name)) throw new RowMistake(unknownColumn(name));
      return [name, value];
    }),
  );
}

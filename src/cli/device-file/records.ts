// Reads the records of a device file: CSV, or JSON lines.

import { once } from "node:events";
import { pipeline, type Readable } from "node:stream";
import { CsvError, type Info, parse } from "csv-parse";
import type { ImportDevicesRequest_Row } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { usageFailure } from "../terminal/output.ts";
import { type Column, isColumn, RowMistake, readCells, readRow, unknownColumn } from "./row.ts";

export interface FileRecord {
  /** The line in which the record begins, from 1. */
  readonly line: number;
  readonly content: ImportDevicesRequest_Row | RowMistake;
}

/** The most bytes of a record. A device takes some hundreds. */
const MAX_RECORD_BYTES = 65_536;

/** Reads a line of NDJSON as a record of one cell. The delimiter, a zero byte, does not occur in JSON. */
const LINES = { delimiter: "\0", quote: null };

/**
 * Reads the records of the file `name` in order; with `customerGiven` the file may omit customer_id. @throws CommandFailure for a
 * file that is not UTF-8, has a wrong header or has misplaced quotes, after which the records cannot be separated
 */
export async function* readRecords(source: Readable, name: string, customerGiven: boolean): AsyncGenerator<FileRecord> {
  const head = await peek(source);
  // UTF-16 and archives have zero bytes.
  if (head.includes(0)) throw usageFailure(`${name} is not UTF-8 text. Save it as CSV in UTF-8, or as NDJSON`);
  const isJson = /^\ufeff?\s*[{[]/.test(head.toString("utf8"));
  const parser = parse({
    bom: true,
    info: true,
    relax_column_count: true,
    skip_empty_lines: true,
    record_delimiter: ["\r\n", "\n"],
    max_record_size: MAX_RECORD_BYTES,
    ...(isJson ? LINES : { delimiter: delimiterOf(head) }),
  });
  const parsed: AsyncIterable<{ readonly record: readonly string[]; readonly info: Info }> = pipeline(
    source,
    parser,
    () => {},
  );
  let header: readonly Column[] | undefined;
  try {
    for await (const { record, info } of parsed) {
      if (isJson) yield { line: info.lines, content: readObject(record[0] ?? "") };
      else if (header === undefined) header = readHeader(record, name, customerGiven);
      else yield { line: info.lines + 1 - record.join().split("\n").length, content: readCells(header, record) };
    }
  } catch (error) {
    throw error instanceof CsvError ? explain(error, name) : error;
  }
  if (!isJson && header === undefined)
    throw usageFailure(`${name} is empty. It has to begin with a header, or to be NDJSON`);
}

/** The first bytes of a stream, which stay in the stream. */
async function peek(source: Readable): Promise<Buffer> {
  await once(source, "readable");
  const head: Buffer | null = source.read();
  if (head !== null) source.unshift(head);
  return head ?? Buffer.alloc(0);
}

function explain(error: CsvError, name: string): Error {
  const line = "lines" in error ? ` at line ${String(error["lines"])}` : "";
  return usageFailure(
    error.code === "CSV_MAX_RECORD_SIZE"
      ? `${name} has a record of more than ${MAX_RECORD_BYTES} bytes${line}. Is a quote left open?`
      : `${name} has a double quote out of place${line}. Write it twice inside a quoted value, as in "5"" pipe"`,
  );
}

/** The delimiter of a header. Spreadsheets of many countries write semicolons. */
function delimiterOf(head: Buffer): string {
  const [line = ""] = head.toString("utf8").split("\n");
  return [";", "\t"].find((delimiter) => line.includes(delimiter) && !line.includes(",")) ?? ",";
}

function readHeader(cells: readonly string[], name: string, customerGiven: boolean): readonly Column[] {
  const header = cells.map((cell) => {
    const column = cell.trim();
    if (isColumn(column)) return column;
    throw usageFailure(`${name}: its first line has to be a header, and ${unknownColumn(column)}`);
  });
  const twice = header.find((column, index) => header.indexOf(column) !== index);
  if (twice !== undefined) throw usageFailure(`${name}: its header has ${twice} twice`);
  if (!header.includes("device_key")) throw usageFailure(`${name}: its header has no column device_key`);
  if (customerGiven || header.includes("customer_id")) return header;
  throw usageFailure(`${name}: its header has no column customer_id. Add it, or give --customer ID for all`);
}

function readObject(json: string): FileRecord["content"] {
  let members: unknown;
  try {
    members = JSON.parse(json);
  } catch {
    return new RowMistake("it is not JSON. Each line has to be one object");
  }
  if (typeof members !== "object" || members === null || Array.isArray(members)) {
    return new RowMistake('it is no JSON object, as in {"device_key": "pump-7", "customer_id": "acme"}');
  }
  const values: (readonly [Column, unknown])[] = [];
  for (const [name, value] of Object.entries(members)) {
    if (!isColumn(name)) return new RowMistake(unknownColumn(name));
    values.push([name, value]);
  }
  return readRow(values);
}

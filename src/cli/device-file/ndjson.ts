// Devices as NDJSON: an object a line. Knows JSON, and no column's meaning.

import type { ImportDevicesRequest_Row } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type Column, isColumn, quote, unknownColumn } from "./columns.ts";
import { repeatedName } from "./json-names.ts";
import { endOfLine, type FileRecord, MAX_RECORD_BYTES, type Position, type ReadBlock, TOO_LONG } from "./records.ts";
import { contentOf, RowMistake, readRow, requireUtf8 } from "./row.ts";

const BLANK = /^\s*$/;

/** Reads blocks of NDJSON. Blank lines are passed over. */
export const readNdjsonBlock: ReadBlock = (bytes, start, more) => {
  const records: FileRecord[] = [];
  let at: Position = start;
  for (let rest = bytes; rest.length > 0; ) {
    const next = endOfLine(rest, at, more);
    if (next === undefined) break;
    const line = rest.subarray(0, next.offset - at.offset);
    if (line.length > MAX_RECORD_BYTES) records.push({ line: at.line, next, content: TOO_LONG });
    else if (!BLANK.test(line.toString("latin1"))) {
      records.push({ line: at.line, next, content: contentOf(() => readLine(line)) });
    }
    rest = rest.subarray(line.length);
    at = next;
  }
  return { records, end: at };
};

function readLine(line: Buffer): ImportDevicesRequest_Row {
  requireUtf8(line);
  const text = line.toString("utf8");
  const members = parse(text);
  if (typeof members !== "object" || members === null || Array.isArray(members)) {
    throw new RowMistake('it is no JSON object, as in {"device_key": "pump-7", "customer_id": "acme"}');
  }
  // A parser takes the last, and says nothing: another would have taken the first.
  const twice = repeatedName(text);
  if (twice !== undefined) throw new RowMistake(`it has ${quote(twice)} twice`);
  return readRow(
    Object.entries(members).map(([name, value]): [Column, unknown] => {
      if (!isColumn(name)) throw new RowMistake(unknownColumn(name));
      return [name, value];
    }),
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RowMistake("it is no JSON. Each line has to be one object of its own");
  }
}

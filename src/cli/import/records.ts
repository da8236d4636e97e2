// The records of what is imported, whatever its format, from where an import goes on. Knows no gateway.

import { createCsvReader, readHeader } from "../device-file/csv.ts";
import type { Format } from "../device-file/formats.ts";
import { readNdjsonBlock } from "../device-file/ndjson.ts";
import { type FileRecord, type Position, type ReadBlock, readRecords } from "../device-file/records.ts";
import { RowMistake } from "../device-file/row.ts";
import { usageFailure } from "../output.ts";
import type { ImportSource } from "./source.ts";

/** What UTF-8 files of some programs begin with, which is no part of their text. */
const MARK = Buffer.from("\ufeff");

export interface ImportRecords {
  /** Where the first of them begins. */
  readonly start: Position;
  /** All from a position on, to be asked for once. */
  from(position: Position): AsyncGenerator<readonly FileRecord[]>;
}

/** `customerGiven`: the file need not say whose the devices are. @throws CommandFailure when a header is not right */
export function openRecords(
  source: ImportSource,
  { name, format, customerGiven }: { name: string; format: Format; customerGiven: boolean },
): ImportRecords {
  const text: Position = { offset: source.head.indexOf(MARK) === 0 ? MARK.length : 0, line: 1 };

  function records(readBlock: ReadBlock, start: Position): ImportRecords {
    return { start, from: (position) => readRecords(source.from(position.offset), readBlock, position) };
  }

  if (format === "ndjson") return records(readNdjsonBlock, text);
  try {
    const { header, end } = readHeader(source.head.subarray(text.offset), customerGiven);
    return records(createCsvReader(header), { offset: text.offset + end.offset, line: end.line });
  } catch (error) {
    if (error instanceof RowMistake) throw usageFailure(`${name}: ${error.message}`);
    throw error;
  }
}

// The records of a file of devices, as they come: of the file no more is held than a chunk of it and one record. Knows no format; a
// reader of blocks does.

import type { Content } from "./row.ts";

/** A place in a file, where a line begins. */
export interface Position {
  /** In bytes, from 0. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
}

/** One record of a file. */
export interface FileRecord {
  /** The line it begins in, from 1. */
  readonly line: number;
  /** Where the next one begins. */
  readonly next: Position;
  readonly content: Content;
}

/** Whole records, and where what is left begins. */
export interface Block {
  readonly records: readonly FileRecord[];
  readonly end: Position;
}

/** Reads as many whole records as bytes that begin with one have; `more`: the file goes on after them. */
export type ReadBlock = (bytes: Buffer, start: Position, more: boolean) => Block;

/** The most bytes of a record. A device takes some hundreds. */
export const MAX_RECORD_BYTES = 65_536;

const LINE_FEED = 0x0a;

/** Reads the records of a file from a position on, a block at a time. */
export async function* readRecords(
  chunks: AsyncIterable<Buffer>,
  readBlock: ReadBlock,
  start: Position,
): AsyncGenerator<readonly FileRecord[]> {
  let at = start;
  let rest: Buffer = Buffer.alloc(0);
  /** The line that is too long to be held, and is passed over. */
  let passing: number | undefined;

  function* advance(more: boolean): Generator<readonly FileRecord[]> {
    for (;;) {
      if (passing !== undefined) {
        const end = endOfLine(rest, at, more);
        if (end === undefined) {
          at = { ...at, offset: at.offset + rest.length };
          rest = Buffer.alloc(0);
          return;
        }
        rest = rest.subarray(end.offset - at.offset);
        at = end;
        yield [{ line: passing, next: at, content: TOO_LONG }];
        passing = undefined;
      }
      const { records, end } = readBlock(rest, at, more);
      rest = rest.subarray(end.offset - at.offset);
      at = end;
      if (records.length > 0) yield records;
      if (rest.length === 0 || (more && rest.length <= MAX_RECORD_BYTES)) return;
      // What is left is no whole record, and will be none: its first line is given up, and the next may begin another.
      const first = endOfLine(rest, at, more);
      if (first === undefined || first.offset - at.offset > MAX_RECORD_BYTES) {
        passing = at.line;
        continue;
      }
      rest = rest.subarray(first.offset - at.offset);
      yield [{ line: at.line, next: first, content: NOT_CLOSED }];
      at = first;
    }
  }

  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    yield* advance(true);
  }
  yield* advance(false);
}

export const TOO_LONG: Content = {
  mistake: { message: `it has more than ${MAX_RECORD_BYTES} bytes. Is this a file of devices?`, field: "" },
};
const NOT_CLOSED: Content = { mistake: { message: "a double quote is opened and not closed", field: "" } };

/** Where the line ends that bytes begin with; undefined where they do not tell. */
export function endOfLine(bytes: Buffer, at: Position, more: boolean): Position | undefined {
  const feed = bytes.indexOf(LINE_FEED);
  if (feed >= 0) return { offset: at.offset + feed + 1, line: at.line + 1 };
  return more ? undefined : { offset: at.offset + bytes.length, line: at.line + 1 };
}

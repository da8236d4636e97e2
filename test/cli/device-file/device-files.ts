// Files of devices as tests read them: in pieces of any size, as they would come from a disk or a pipe.

import type { Format } from "../../../src/cli/device-file/formats.ts";
import { openRecords } from "../../../src/cli/import/records.ts";

export interface ReadRecord {
  readonly line: number;
  /** A row as AdminService is sent it, without its type; or the mistake. */
  readonly content: Readonly<Record<string, unknown>>;
}

export interface ReadFile {
  readonly records: readonly ReadRecord[];
  /** Where each record ends, in bytes, and the line that follows. */
  readonly ends: readonly { readonly offset: number; readonly line: number }[];
}

/** Reads all of a file, from a place of it on. */
export async function readAll(
  bytes: Buffer,
  format: Format,
  {
    piece = bytes.length,
    from,
    customerGiven = false,
  }: { piece?: number; from?: ReadFile["ends"][number]; customerGiven?: boolean } = {},
): Promise<ReadFile> {
  const source = {
    head: bytes.subarray(0, 65_536),
    size: bytes.length,
    fingerprint: undefined,
    async *from(offset: number) {
      for (let at = offset; at < bytes.length; at += Math.max(1, piece)) {
        yield bytes.subarray(at, Math.min(bytes.length, at + Math.max(1, piece)));
      }
    },
  };
  const { start, from: read } = openRecords(source, { name: "file", format, customerGiven });
  const records: ReadRecord[] = [];
  const ends: { offset: number; line: number }[] = [];
  for await (const block of read(from ?? start)) {
    for (const { line, next, content } of block) {
      const { $typeName: _, ...plain } = { $typeName: "", ...("row" in content ? content.row : content.mistake) };
      records.push({ line, content: plain });
      ends.push({ ...next });
    }
  }
  return { records, ends };
}

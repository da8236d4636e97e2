// What an import reads: a file, from anywhere in it, or a stream such as standard input, once. Knows no format.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { addAbortSignal, type Readable } from "node:stream";
import { inputName, unreadable } from "../input.ts";
import { usageFailure } from "../output.ts";

/** So much of the beginning is looked at before anything else is done, in bytes. */
const HEAD_BYTES = 65_536;
const CHUNK_BYTES = 65_536;

export interface ImportSource {
  /** The first bytes; all there are, where there are fewer. */
  readonly head: Buffer;
  /** In bytes; undefined: nobody knows. */
  readonly size: number | undefined;
  /** Tells a file from what it is later changed to; undefined of a stream, which cannot be read again. */
  readonly fingerprint: string | undefined;
  /** All bytes from an offset on, to be asked for once. */
  from(offset: number): AsyncIterable<Buffer>;
}

/**
 * Opens a file or, for `-`, standard input; the signal ends the wait for what comes by a stream.
 * @throws CommandFailure when it cannot be read, or is no text
 */
export async function openSource(file: string, signal: AbortSignal): Promise<ImportSource> {
  const source = file === "-" ? await openStream(process.stdin, signal) : await openFile(file, signal);
  const { head } = source;
  // UTF-16 has the first where it has a mark, and the second where it has letters; so have spreadsheets and archives.
  if (head.includes(0) || head.subarray(0, 2).toString("hex") === "fffe") {
    throw usageFailure(`${inputName(file)} is not UTF-8 text. Save it as CSV in UTF-8, or as NDJSON`);
  }
  return source;
}

async function openFile(file: string, signal: AbortSignal): Promise<ImportSource> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file);
    const stat = await handle.stat();
    if (!stat.isFile() && !stat.isDirectory()) {
      // What comes by a pipe comes once: it is read by the handle that is open, which closes with it.
      const stream = handle.createReadStream();
      handle = undefined;
      return await openStream(stream, signal);
    }
    const head = Buffer.alloc(HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
    const begins = head.subarray(0, bytesRead);
    return {
      head: begins,
      size: stat.size,
      fingerprint: `${stat.size} ${stat.mtimeMs} ${createHash("sha256").update(begins).digest("hex")}`,
      from: (offset) => createReadStream(file, { start: offset, highWaterMark: CHUNK_BYTES }),
    };
  } catch (error) {
    throw signal.aborted ? error : unreadable(file, error);
  } finally {
    await handle?.close();
  }
}

async function openStream(stream: Readable, signal: AbortSignal): Promise<ImportSource> {
  const chunks: AsyncIterator<Buffer> = addAbortSignal(signal, stream)[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let bytes = 0;
  while (bytes < HEAD_BYTES) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    pieces.push(value);
    bytes += value.length;
  }
  const head = Buffer.concat(pieces);
  return {
    head,
    size: undefined,
    fingerprint: undefined,
    async *from(offset) {
      yield head.subarray(offset);
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    },
  };
}

// Lines to a file descriptor, in batches. What nobody takes is dropped and told of later: a log neither stops the process nor
// holds up its end. (pino's own destination retries a full disk for ever when it is flushed at the end.)

import { write as writeFile } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface LogWriter {
  write(line: string): void;
  /** Resolves once what is held has been written, or given up. */
  flush(): Promise<void>;
}

type Write = (
  fd: number,
  bytes: Uint8Array,
  done: (error: NodeJS.ErrnoException | null, written: number) => void,
) => void;

export interface LogWriterOptions {
  /** fs.write, or what a test puts in its place. */
  readonly write?: Write;
  /** Calls back after a time in milliseconds, and keeps no process alive for it. */
  readonly later?: (callback: () => void, ms: number) => void;
  /** Resolves after a time in milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

/** So much is held back, and so long, before it is written: a write a line would cost more than the login it tells of. */
const BATCH_CHARS = 16 * 1024;
const BATCH_MS = 500;
/** What nobody takes in time is dropped past this, rather than kept for ever. */
const MOST_CHARS = 4 * 1024 * 1024;
/** A pipe that is full is tried so many times, so far apart in milliseconds, before its lines are given up. */
const FULL_TRIES = 20;
const FULL_MS = 100;
/** After a failure, as of a full disk, lines are dropped for so long before it is tried again, in milliseconds. */
const FAILED_MS = 5_000;

/** Opens a writer; the descriptor stays its owner's to close. */
export function createLogWriter(fd: number, options: LogWriterOptions = {}): LogWriter {
  const { write = writeFile, later = (callback, ms) => setTimeout(callback, ms).unref(), wait = sleep } = options;
  let held = "";
  let dropped = 0;
  let failed = false;
  let scheduled = false;
  let writing: Promise<void> | undefined;

  async function writeHeld(): Promise<void> {
    while (held !== "") {
      const lost = dropped;
      const note = lost === 0 ? "" : `${JSON.stringify({ level: 40, dropped: lost, msg: "log lines were dropped" })}\n`;
      const batch = Buffer.from(note + held);
      held = "";
      dropped = 0;
      if (await writeAll(batch)) continue;
      dropped += lost + countLines(batch) - (lost === 0 ? 0 : 1);
      failed = true;
      later(() => {
        failed = false;
      }, FAILED_MS);
      return;
    }
  }

  async function writeAll(batch: Buffer): Promise<boolean> {
    let rest = batch;
    for (let tries = 0; rest.length > 0; ) {
      const { error, written } = await writeOnce(rest);
      rest = rest.subarray(written);
      if (error === undefined) tries = 0;
      else if (error !== "EAGAIN" || ++tries > FULL_TRIES) return false;
      else await wait(FULL_MS);
    }
    return true;
  }

  const writeOnce = (bytes: Uint8Array): Promise<{ error: string | undefined; written: number }> =>
    new Promise((resolve) => {
      write(fd, bytes, (error, written) =>
        resolve(error === null ? { error: undefined, written } : { error: error.code ?? "unknown", written: 0 }),
      );
    });

  async function flush(): Promise<void> {
    // One write at a time; what came while another was ending is not left behind.
    while (writing !== undefined || (held !== "" && !failed)) {
      writing ??= writeHeld().finally(() => {
        writing = undefined;
      });
      await writing;
    }
  }

  return {
    write(line) {
      if (failed || held.length + line.length > MOST_CHARS) {
        dropped++;
        return;
      }
      held += line;
      if (held.length >= BATCH_CHARS) void flush();
      else if (!scheduled) {
        scheduled = true;
        later(() => {
          scheduled = false;
          void flush();
        }, BATCH_MS);
      }
    },
    flush,
  };
}

function countLines(batch: Buffer): number {
  let lines = 0;
  for (const byte of batch) if (byte === 0x0a) lines++;
  return lines;
}

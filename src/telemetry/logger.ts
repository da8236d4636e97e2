// The log: JSON lines on standard error, in batches. Knows pino, and nothing of logins.

import pino from "pino";

export interface Log {
  readonly logger: pino.Logger;
  /** Writes out what is still held, as far as there is somebody to take it. */
  flush(): void;
}

/** So much may be held back, and so long, before it is written: a write a line would cost more than the login it tells of. */
const BATCH_BYTES = 8 * 1024;
const BATCH_MS = 500;
/** What nobody reads in time is dropped past this, rather than kept for ever. */
const MOST_BYTES = 4 * 1024 * 1024;
/** A pipe that is full is tried so many times, a tenth of a second apart, before its lines are given up. */
const FULL_PIPE_TRIES = 20;
/** After a failure, as of a full disk, lines are dropped for so long before it is tried again, in milliseconds. */
const REOPEN_MS = 5_000;

/** Opens the log at a level. What cannot be written is lost; it neither stops the gateway nor holds up its end. */
export function createLog(level: string): Log {
  let destination: ReturnType<typeof pino.destination> | undefined = open();

  function open(): ReturnType<typeof pino.destination> {
    let tries = 0;
    const opened = pino.destination({
      dest: 2,
      sync: false,
      minLength: BATCH_BYTES,
      maxLength: MOST_BYTES,
      periodicFlush: BATCH_MS,
      retryEAGAIN: () => tries++ < FULL_PIPE_TRIES,
    });
    opened.on("drain", () => {
      tries = 0;
    });
    opened.on("error", () => {
      if (destination !== opened) return;
      destination = undefined;
      opened.destroy();
      setTimeout(() => {
        destination = open();
      }, REOPEN_MS).unref();
    });
    return opened;
  }

  const stream = {
    write(line: string): void {
      destination?.write(line);
    },
  };
  return {
    logger: pino({ level, base: null }, stream),
    flush() {
      try {
        destination?.flushSync();
      } catch {
        // Not open yet, or nobody takes it: there is nowhere left to say so.
      }
    },
  };
}

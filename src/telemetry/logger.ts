// The log: JSON lines on standard error, in batches. Knows pino, and nothing of logins.

import pino from "pino";

export interface Log {
  readonly logger: pino.Logger;
  /** Writes out what is still held. */
  flush(): void;
}

/** So much may be held back, and so long, before it is written: a write a line would cost more than the login it tells of. */
const BATCH_BYTES = 8 * 1024;
const BATCH_MS = 500;
/** What nobody reads in time is dropped past this, rather than kept for ever. */
const MOST_BYTES = 4 * 1024 * 1024;

/** Opens the log at a level. */
export function createLog(level: string): Log {
  const destination = pino.destination({
    dest: 2,
    sync: false,
    minLength: BATCH_BYTES,
    maxLength: MOST_BYTES,
    periodicFlush: BATCH_MS,
  });
  const logger = pino({ level, base: null }, destination);
  return {
    logger,
    flush() {
      try {
        destination.flushSync();
      } catch {
        // Not open yet, or gone: there is nowhere left to say so.
      }
    },
  };
}

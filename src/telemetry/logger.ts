// The log: JSON lines on standard error, written in batches.

import pino from "pino";
import sonicBoom from "sonic-boom";

export interface LogWriter {
  readonly logger: pino.Logger;
  /** Writes the buffered lines, as far as the destination takes them. */
  flush(): Promise<void>;
}

const STANDARD_ERROR = 2;
/** A batch is written at this size, in bytes, or after this time, in milliseconds. Writing each line alone costs more than a login. */
const BATCH_BYTES = 16 * 1024 - 1;
const BATCH_MS = 500;
/** Size of the buffer, in bytes. Lines that do not fit are dropped and counted. */
const BUFFER_BYTES = 4 * 1024 * 1024;

export interface LogOptions {
  readonly fd?: number;
  /** Properties of every line. */
  readonly base?: object;
  /** Properties of the lines of a call. */
  readonly mixin?: (() => object) | undefined;
}

/** Opens the log at a level. It never blocks, and a full disk or pipe ends neither the process nor a flush. */
export function createLog(level: string, { fd = STANDARD_ERROR, base, mixin }: LogOptions = {}): LogWriter {
  const options = { minLength: BATCH_BYTES, periodicFlush: BATCH_MS, maxLength: BUFFER_BYTES };
  // The next batch retries a failed write. A timer for retries would keep the process alive.
  // As text, sonic-boom would copy the whole batch for each line.
  const destination = new sonicBoom.SonicBoom({ fd, ...options, contentMode: "buffer", retryEAGAIN: () => false });
  destination.on("error", () => {});
  let dropped = 0;
  destination.on("drop", () => {
    dropped++;
  });
  // pino must not see flushSync, which would retry a full disk for ever.
  const properties = { base: base ?? null, ...(mixin && { mixin }) };
  // The types of sonic-boom know text alone.
  const write = (line: string): void => void Reflect.apply(destination.write, destination, [Buffer.from(line)]);
  const logger = pino({ level, ...properties }, { write });
  destination.on("drain", () => {
    if (dropped === 0) return;
    const count = dropped;
    dropped = 0;
    logger.warn({ dropped: count }, "log lines were dropped");
  });
  const writeBatches = (): Promise<void> => new Promise((resolve) => destination.flush(() => resolve()));
  return {
    logger,
    async flush() {
      await writeBatches();
      // The first flush leaves less than a batch.
      await writeBatches();
    },
  };
}

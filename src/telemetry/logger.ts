// The log: JSON lines on standard error. Knows pino, and nothing of logins.

import pino from "pino";
import { createLogWriter } from "./log-writer.ts";

export interface Log {
  readonly logger: pino.Logger;
  /** Writes out what is still held, as far as there is somebody to take it. */
  flush(): Promise<void>;
}

const STANDARD_ERROR = 2;

/** Opens the log at a level. */
export function createLog(level: string): Log {
  const writer = createLogWriter(STANDARD_ERROR);
  return { logger: pino({ level, base: null }, writer), flush: () => writer.flush() };
}

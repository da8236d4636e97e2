// Stops a gateway step by step: first balancers see 503, then each connection ends with its next answer.

import { setTimeout as pause } from "node:timers/promises";
import type { LogWriter } from "../telemetry/logger.ts";
import type { Listeners } from "./listeners.ts";

export interface DrainSteps {
  /** Time that balancers have to notice before the listeners close, in milliseconds. */
  readonly delayMs: number;
  /** Time that an idle connection has for one more request, in milliseconds. */
  readonly idleMs: number;
  /** Time that requests have to finish, in milliseconds. */
  readonly graceMs: number;
}

/** Drains the listeners, with a log line for each step. */
export async function drain(
  listeners: Pick<Listeners, "announceDrain" | "close">,
  { delayMs, idleMs, graceMs }: DrainSteps,
  { logger }: LogWriter,
): Promise<void> {
  listeners.announceDrain();
  logger.info({ delay_ms: delayMs }, "draining: readiness is 503, logins are still answered");
  if (delayMs > 0) await pause(delayMs);
  logger.info({ grace_ms: graceMs }, "draining: listeners are closed, each connection ends with its next answer");
  const destroyed = await listeners.close(graceMs, idleMs);
  const level = destroyed > 0 ? "warn" : "info";
  logger[level]({ destroyed }, "drained: every connection has ended");
}

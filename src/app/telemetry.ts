// Wires log, metrics, traces and the watch over the event loop.

import { hostname } from "node:os";
import type { Config } from "../config.ts";
import { monotonicNow } from "../telemetry/clock.ts";
import { type EventLoop, watchEventLoop } from "../telemetry/event-loop.ts";
import { createLog, type LogWriter } from "../telemetry/logger.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { createObserver, type Observer } from "../telemetry/observe.ts";
import { NO_TRACING, startTracing, type Tracing } from "../telemetry/tracing.ts";
import { readVersion } from "../telemetry/version.ts";

export interface Telemetry {
  readonly log: LogWriter;
  readonly metrics: Metrics;
  readonly observer: Observer;
  readonly tracing: Tracing;
  readonly eventLoop: EventLoop;
}

/** Opens telemetry; `cleanup` flushes and closes it. @throws TracingError */
export async function openTelemetry(
  { logLevel, tracing: wanted }: Pick<Config, "logLevel" | "tracing">,
  cleanup: AsyncDisposableStack,
): Promise<Telemetry> {
  const tracing = wanted === undefined ? NO_TRACING : await startTracing(wanted.serviceName);
  cleanup.defer(tracing.close);
  const fields = { gateway: `${hostname()}:${process.pid}`, version: readVersion() };
  const log = createLog(logLevel, { fields, callFields: tracing.logFields });
  cleanup.defer(() => log.flush());
  const metrics = createMetrics();
  const eventLoop = watchEventLoop();
  cleanup.defer(eventLoop.close);
  return { log, metrics, observer: createObserver(log.logger, metrics, monotonicNow), tracing, eventLoop };
}

// Wires log, metrics, traces and the watch over the event loop.

import { hostname } from "node:os";
import type { Config } from "../config.ts";
import { type EventLoop, monotonicNow, watchEventLoop } from "../telemetry/clock.ts";
import { createLog, type LogWriter } from "../telemetry/logger.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { createObserver, type Observer } from "../telemetry/observe.ts";
import { createRecentLogins, type RecentLogins } from "../telemetry/recent-logins.ts";
import { NO_TRACING, startTracing, type Tracing } from "../telemetry/tracing.ts";

export interface Telemetry {
  readonly log: LogWriter;
  readonly metrics: Metrics;
  readonly recentLogins: RecentLogins;
  readonly observer: Observer;
  readonly tracing: Tracing;
  readonly eventLoop: EventLoop;
}

/** Opens telemetry; `cleanup` flushes and closes it. `now` in unix milliseconds. @throws TracingError */
export async function openTelemetry(
  { logLevel, tracing: wanted }: Pick<Config, "logLevel" | "tracing">,
  { version, now }: { readonly version: string; readonly now: () => number },
  cleanup: AsyncDisposableStack,
): Promise<Telemetry> {
  const tracing = wanted === undefined ? NO_TRACING : await startTracing(wanted.serviceName);
  cleanup.defer(tracing.close);
  const base = { gateway: `${hostname()}:${process.pid}`, version };
  const log = createLog(logLevel, { base, mixin: tracing.logFields });
  cleanup.defer(() => log.flush());
  const metrics = createMetrics(version);
  const eventLoop = watchEventLoop();
  cleanup.defer(eventLoop.close);
  const recentLogins = createRecentLogins(now);
  const observer = createObserver({ logger: log.logger, metrics, recentLogins, elapsed: monotonicNow });
  return { log, metrics, recentLogins, observer, tracing, eventLoop };
}

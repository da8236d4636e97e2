// Outages of Redis and the database, and overload: log lines and metrics.

import type { Logger } from "pino";
import type { FallbackListener, FallbackMode } from "../core/limiter/fallback.ts";
import type { Metrics } from "./metrics.ts";
import { createThrottle, messageOf } from "./observe.ts";

const LONGEST_CAUSE = 300;

const REDIS_AWAY = {
  local: "redis is away: limits are decided without it",
  deny: "redis is away: logins are refused",
  allow: "redis is away: logins are not limited",
} satisfies Record<FallbackMode, string>;

/** Observes a fallback with log lines and metrics. */
export function observeFallback(logger: Logger, metrics: Metrics, mode: FallbackMode): FallbackListener {
  return {
    away({ message }) {
      metrics.limitsDegraded.set(1);
      // Cut, since the message comes from the server.
      logger.warn({ cause: message.slice(0, LONGEST_CAUSE) }, REDIS_AWAY[mode]);
    },
    back(up_seconds) {
      metrics.limitsDegraded.set(0);
      logger.warn({ up_seconds }, "redis is back: each limit is exact once redis has been up for the limit's window");
    },
    decided: (outcome) => metrics.limitsDecidedAlone.inc({ outcome }),
  };
}

type Access = "read" | "write";

const DATABASE_AWAY = {
  read: "the database is away: logins are refused",
  write: "the database cannot be written: logins continue, changes are refused",
} satisfies Record<Access, string>;

const DATABASE_BACK = {
  read: "the database is back",
  write: "the database can be written again",
} satisfies Record<Access, string>;

/** Observes outages of the database with log lines and metrics. */
export function observeStore(
  logger: Logger,
  metrics: Metrics,
): { away(access: Access, cause: unknown): void; back(access: Access): void } {
  return {
    away(access, cause) {
      metrics.storeUnavailable.set({ access }, 1);
      logger.warn({ cause: messageOf(cause) }, DATABASE_AWAY[access]);
    },
    back(access) {
      metrics.storeUnavailable.set({ access }, 0);
      logger.warn(DATABASE_BACK[access]);
    },
  };
}

/** Shortest time between two lines about overload, in milliseconds. */
const OVERLOAD_LINE_MS = 10_000;

/** Observes logins that are refused in an overload. `elapsed` is a monotonic clock, in milliseconds. */
export function observeOverload(logger: Logger, metrics: Metrics, elapsed: () => number): () => void {
  const mayLog = createThrottle(OVERLOAD_LINE_MS, elapsed);
  let refused = 0;
  return () => {
    metrics.loginsShed.inc();
    refused++;
    if (!mayLog()) return;
    logger.warn({ refused }, "overloaded: new logins are refused until those under way are answered");
    refused = 0;
  };
}

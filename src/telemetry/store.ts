// Outages of the database: one log line each way, and a gauge.

import type { Logger } from "pino";
import type { Metrics } from "./metrics.ts";

type Access = "read" | "write";

const AWAY = {
  read: "the database is away: logins are refused",
  write: "the database cannot be written: logins go on, changes are refused",
} satisfies Record<Access, string>;

const BACK = {
  read: "the database is back",
  write: "the database can be written again",
} satisfies Record<Access, string>;

/** Observes outages into a log and metrics. */
export function observeStore(logger: Logger, metrics: Metrics) {
  return {
    away(access: Access, cause: unknown): void {
      metrics.storeUnavailable.set({ access }, 1);
      logger.warn({ cause: cause instanceof Error ? cause.message : "unknown" }, AWAY[access]);
    },
    back(access: Access): void {
      metrics.storeUnavailable.set({ access }, 0);
      logger.warn(BACK[access]);
    },
  };
}

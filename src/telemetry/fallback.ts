// Logs and counts limits that are decided without Redis.

import type { Logger } from "pino";
import type { FallbackListener, FallbackMode } from "../core/limiter/fallback.ts";
import type { Metrics } from "./metrics.ts";

const LONGEST_CAUSE = 300;

const AWAY = {
  local: "redis is away: limits are decided without it",
  deny: "redis is away: logins are refused",
  allow: "redis is away: logins are not limited",
} satisfies Record<FallbackMode, string>;

/** Observes a fallback by log lines and metrics. */
export function observeFallback(logger: Logger, metrics: Metrics, mode: FallbackMode): FallbackListener {
  return {
    away({ message }) {
      metrics.limitsDegraded.set(1);
      // A server may say anything, and at any length.
      logger.warn({ cause: message.slice(0, LONGEST_CAUSE) }, AWAY[mode]);
    },
    back(up_seconds) {
      metrics.limitsDegraded.set(0);
      logger.warn({ up_seconds }, "redis is back: limits are exact once it has been up for their window");
    },
    stepped: () => logger.warn("the clock of redis stepped forward: limits are decided without it for their window"),
    decided: (outcome) => metrics.limitsDecidedAlone.inc({ outcome }),
  };
}

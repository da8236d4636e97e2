// What is told of limits that are decided without their store: a line for each change, and counts. Knows no store.

import type { Logger } from "pino";
import type { FallbackHearing } from "../core/limiter/fallback.ts";
import type { Metrics } from "./metrics.ts";

/** Hears of a fallback into a log and metrics. */
export function observeFallback(logger: Logger, metrics: Metrics): FallbackHearing {
  let cause = "";
  return {
    stillAway({ message }) {
      // Told when it is another one: a wrong password, say, on a server that is there again.
      if (message !== cause) logger.warn({ cause: message }, "redis is still away");
      cause = message;
    },
    changed(change) {
      if ("away" in change) {
        cause = change.away.message;
        metrics.limitsDegraded.set(1);
        logger.warn({ cause: change.away.message }, "redis is away: limits are decided without it");
      } else {
        const { logs, lost } = change.back;
        metrics.limitsDegraded.set(0);
        logger.warn({ logs_told: logs, may_have_lost_data: lost }, "redis is back: limits are exact again");
      }
    },
    decided: (outcome) => metrics.limitsDecidedAlone.inc({ outcome }),
  };
}

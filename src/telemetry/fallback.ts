// What is told of limits that are decided without their store: a line for each change, and counts. Knows no store.

import type { Logger } from "pino";
import type { FallbackHearing } from "../core/limiter/fallback.ts";
import type { WhenAway } from "../core/limiter/when-away.ts";
import type { Metrics } from "./metrics.ts";

const LONGEST_CAUSE = 300;
/** Of an outage: the servers of a Cluster have one each. */
const MOST_CAUSES = 10;

const AWAY = {
  local: "redis is away: limits are decided without it",
  deny: "redis is away: logins are refused",
  allow: "redis is away: logins are not limited",
} satisfies Record<WhenAway, string>;

/** Hears of a fallback into a log and metrics. */
export function observeFallback(logger: Logger, metrics: Metrics, whenAway: WhenAway): FallbackHearing {
  /** Told of this outage. */
  const causes = new Set<string>();
  // A server may say what it likes, and at any length.
  const say = (error: Error): string => error.message.slice(0, LONGEST_CAUSE);
  return {
    stillAway(error) {
      const cause = say(error);
      // Told when it is another one: a wrong password, say, on a server that is there again.
      if (causes.has(cause) || causes.size >= MOST_CAUSES) return;
      causes.add(cause);
      logger.warn({ cause }, "redis is still away");
    },
    changed(change) {
      if ("away" in change) {
        const cause = say(change.away);
        causes.clear();
        causes.add(cause);
        metrics.limitsDegraded.set(1);
        logger.warn({ cause }, AWAY[whenAway]);
      } else {
        const { logs, lost } = change.back;
        metrics.limitsDegraded.set(0);
        logger.warn({ logs_told: logs, may_have_lost_data: lost }, "redis is back: limits are exact again");
      }
    },
    decided: (outcome) => metrics.limitsDecidedAlone.inc({ outcome }),
  };
}

// The metrics, in Prometheus's form. Knows prom-client, and names.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  /** Logins answered, by protocol and outcome (`ok` or a reason). */
  readonly logins: Counter<"protocol" | "outcome">;
  /** What a login took in the gateway, in seconds. */
  readonly loginSeconds: Histogram;
  /** Tokens checked, by protocol and outcome (`ok` or a reason). */
  readonly verifications: Counter<"protocol" | "outcome">;
  /** Requests refused before any method was reached, by protocol and reason. */
  readonly refusals: Counter<"protocol" | "reason">;
  /** Errors in the gateway itself: faults, `internal` errors and uncaught errors. */
  readonly faults: Counter;
  /** Connections refused: there were too many, in all or from one address. */
  readonly connectionsRefused: Counter;
  /** 1 while the database cannot be read, or written. */
  readonly storeUnavailable: Gauge<"access">;
  /** 1 while Redis is away and limits are decided without it. */
  readonly limitsDegraded: Gauge;
  /** What was decided without it, by outcome (`admitted`, `denied`, `refused`). */
  readonly limitsDecidedAlone: Counter<"outcome">;
  /** The text of /metrics, and its media type. */
  render(): Promise<{ contentType: string; body: string }>;
}

/** A registry of its own for each gateway, so that several live in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  // Every tenth of a second is often enough to see a loop that lags, and costs a tenth of the default.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const storeUnavailable = new Gauge({
    name: "countersign_store_unavailable",
    help: "1 while the database cannot be read or written, by access",
    labelNames: ["access"],
    registers,
  });
  for (const access of ["read", "write"]) storeUnavailable.set({ access }, 0);
  return {
    storeUnavailable,
    logins: new Counter({
      name: "countersign_logins_total",
      help: "Logins answered, by protocol and outcome",
      labelNames: ["protocol", "outcome"],
      registers,
    }),
    loginSeconds: new Histogram({
      name: "countersign_login_seconds",
      help: "Time a login took in the gateway",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
      registers,
    }),
    verifications: new Counter({
      name: "countersign_token_verifications_total",
      help: "Tokens checked, by protocol and outcome",
      labelNames: ["protocol", "outcome"],
      registers,
    }),
    refusals: new Counter({
      name: "countersign_refusals_total",
      help: "Requests refused before any method was reached, by protocol and reason",
      labelNames: ["protocol", "reason"],
      registers,
    }),
    faults: new Counter({
      name: "countersign_faults_total",
      help: "Errors in the gateway itself, each with a log line of level 50 or 60",
      registers,
    }),
    connectionsRefused: new Counter({
      name: "countersign_connections_refused_total",
      help: "Connections refused because there were too many, in all or from one address",
      registers,
    }),
    limitsDegraded: new Gauge({
      name: "countersign_limits_degraded",
      help: "1 while Redis is away and limits are decided without it",
      registers,
    }),
    limitsDecidedAlone: new Counter({
      name: "countersign_limits_decided_alone_total",
      help: "Decisions on limits that were made without Redis, by outcome",
      labelNames: ["outcome"],
      registers,
    }),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

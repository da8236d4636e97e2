// The metrics, in the format of Prometheus.

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { addStates, type States } from "./states.ts";
import { readVersion } from "./version.ts";

/** Each is described by its `help` below. */
export interface Metrics {
  readonly logins: Counter<"protocol" | "outcome">;
  readonly loginSeconds: Histogram;
  readonly stepSeconds: Histogram<"step">;
  readonly verifications: Counter<"protocol" | "outcome">;
  readonly refusals: Counter<"protocol" | "reason">;
  readonly faults: Counter;
  readonly unopenedSecrets: Counter<"kind">;
  readonly connectionsRefused: Counter;
  readonly overloadRefusals: Counter;
  readonly storeUnavailable: Gauge<"access">;
  readonly limitsDegraded: Gauge;
  readonly limitsDecidedAlone: Counter<"outcome">;
  /** Tells where the states are that are looked at when the metrics are read. */
  readonly watch: (states: States) => void;
  /** The body of /metrics, and its media type. */
  render(): Promise<{ contentType: string; body: string }>;
}

/** Creates the metrics in a registry of their own, so that several gateways can run in one process. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  // The event loop's lag is sampled every 100 ms, which costs a tenth of the default.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  // Gauges with the names of counters: Prometheus's own linter refuses them.
  for (const kind of ["handles", "requests", "resources"]) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  new Gauge({
    name: "countersign_build_info",
    help: "Always 1; the label is the version of the gateway",
    labelNames: ["version"],
    registers,
  }).set({ version: readVersion() }, 1);
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
    stepSeconds: new Histogram({
      name: "countersign_login_step_seconds",
      help: "Time of the steps of a login: read asks the database, charge asks Redis, sign waits for a signature",
      labelNames: ["step"],
      buckets: [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 1],
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
    unopenedSecrets: new Counter({
      name: "countersign_unopened_secrets_total",
      help: "Reads of a sealed secret that did not open, by kind (customer_key, signing_key): the log names it, its customer's logins get 503",
      labelNames: ["kind"],
      registers,
    }),
    connectionsRefused: new Counter({
      name: "countersign_connections_refused_total",
      help: "Connections refused because there were too many, in all or from one address",
      registers,
    }),
    overloadRefusals: new Counter({
      name: "countersign_overload_refusals_total",
      help: "Logins refused because those under way would have kept them waiting for too long",
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
    watch: addStates(registry),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

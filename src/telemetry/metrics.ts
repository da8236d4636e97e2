// The metrics, in the format of Prometheus.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** The metrics; their `help` below describes them. */
export interface Metrics {
  readonly logins: Counter<"protocol" | "outcome">;
  readonly loginSeconds: Histogram;
  readonly stepSeconds: Histogram<"step">;
  readonly verifications: Counter<"protocol" | "outcome">;
  readonly requestErrors: Counter<"protocol" | "reason">;
  readonly faults: Counter;
  readonly unopenedSecrets: Counter<"kind">;
  readonly connectionsRefused: Counter;
  readonly loginsShed: Counter;
  readonly storeUnavailable: Gauge<"access">;
  readonly limitsDegraded: Gauge;
  readonly limitsDecidedAlone: Counter<"outcome">;
  /** The body of /metrics, and its media type. */
  render(): Promise<{ contentType: string; body: string }>;
}

/** States that are read at each rendering. */
export interface States {
  readonly eventLoopDelayMs: () => number;
  readonly loginsUnderWay: () => number;
  /** When the active key began to sign, in Unix milliseconds. */
  readonly keyActiveSince: () => number | undefined;
  /** Paths of PEM files. */
  readonly certificates: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * Creates the metrics in their own registry, so that several gateways can run in one process. Without `states` the gauges of
 * states are 0.
 */
export function createMetrics(version: string, states?: States): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> =>
    new Counter({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name, help, labelNames, registers });
  // The event loop's lag is sampled every 100 ms, which costs a tenth of the default.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  // Removes gauges that have names of counters, which Prometheus's linter rejects.
  for (const kind of ["handles", "requests", "resources"]) registry.removeSingleMetric(`nodejs_active_${kind}_total`);
  const buildHelp = "Always 1; the label is the version of the gateway";
  gauge("countersign_build_info", buildHelp, "version").set({ version }, 1);
  const storeUnavailable = gauge(
    "countersign_store_unavailable",
    "1 while the database cannot be read or written, by access",
    "access",
  );
  for (const access of ["read", "write"] as const) storeUnavailable.set({ access }, 0);
  addStates(registry, states);
  return {
    storeUnavailable,
    logins: counter("countersign_logins_total", "Logins answered, by protocol and outcome", "protocol", "outcome"),
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
    verifications: counter(
      "countersign_token_verifications_total",
      "Tokens checked, by protocol and outcome",
      "protocol",
      "outcome",
    ),
    requestErrors: counter(
      "countersign_request_errors_total",
      "Requests refused before any method was reached, by protocol and reason",
      "protocol",
      "reason",
    ),
    faults: counter("countersign_faults_total", "Errors in the gateway itself, each with a log line of level 50 or 60"),
    unopenedSecrets: counter(
      "countersign_unopened_secrets_total",
      "Failed reads of a sealed secret, by kind (customer_key, signing_key): the log names the secret, and logins of its customer get 503",
      "kind",
    ),
    connectionsRefused: counter(
      "countersign_connections_refused_total",
      "Connections refused because there were too many, in all or from one address",
    ),
    loginsShed: counter("countersign_logins_shed_total", "Logins refused because their wait would have been too long"),
    limitsDegraded: gauge("countersign_limits_degraded", "1 while Redis is away and limits are decided without it"),
    limitsDecidedAlone: counter(
      "countersign_limits_decided_alone_total",
      "Decisions on limits that were made without Redis, by outcome",
      "outcome",
    ),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  };
}

function addStates(registry: Registry, states: States | undefined): void {
  const registers = [registry];
  const add = (name: string, help: string, read: (states: States) => number | undefined): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set((states && read(states)) ?? 0);
      },
    });
  };
  add(
    "countersign_event_loop_delay_seconds",
    "How late the event loop is: the median of the last second. Over 0.5, new logins are refused while more than 32 are under way",
    ({ eventLoopDelayMs }) => eventLoopDelayMs() / 1_000,
  );
  add("countersign_logins_under_way", "Logins under way, most of which wait for a signature", ({ loginsUnderWay }) =>
    loginsUnderWay(),
  );
  add("countersign_signing_key_age_seconds", "Time since the active key began to sign", ({ keyActiveSince, now }) => {
    const since = keyActiveSince();
    return since === undefined ? undefined : (now() - since) / 1_000;
  });
  new Gauge({
    name: "countersign_certificate_expiry_timestamp_seconds",
    help: "When a TLS certificate expires, in Unix seconds, by the type of its key",
    labelNames: ["key"],
    registers,
    collect() {
      this.reset();
      for (const path of states?.certificates ?? []) {
        try {
          const { publicKey, validToDate } = new X509Certificate(readFileSync(path));
          this.set({ key: publicKey.asymmetricKeyType ?? "unknown" }, validToDate.getTime() / 1_000);
        } catch {
          // The file may be unreadable during a replacement.
        }
      }
    },
  });
}

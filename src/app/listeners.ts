// Wires the two listeners with their services and endpoints.

import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Config } from "../config.ts";
import type { Sessions } from "../core/registry/sessions.ts";
import type { KeyRing } from "../core/tokens/keyring.ts";
import { createCallerFrom, trustNetworks } from "../http/caller.ts";
import { signInEndpoints, staticFiles } from "../http/dashboard.ts";
import { createDispatch, createHostCheck, type DispatchOptions } from "../http/dispatch.ts";
import { document, issuerDocuments, openDocument, TOKEN_PATH } from "../http/documents.ts";
import type { DrainTimes } from "../http/drain.ts";
import type { EndpointAnswer, Endpoints } from "../http/endpoints.ts";
import { type Listener, type ListenerOptions, listen } from "../http/listener.ts";
import { deriveTicketKeys, type TlsFiles } from "../http/tls.ts";
import { createForwardAuth, createIntrospection } from "../http/token-checks.ts";
import { createTokenEndpoint, type TokenEndpointOptions } from "../http/token-endpoint.ts";
import type { MountedService } from "../protocols/call.ts";
import { setLimitHeaders } from "../services/auth.ts";
import { createHealthService } from "../services/health.ts";
import { createReflectionServices } from "../services/reflection.ts";
import type { ListenAddress } from "../setting-readers.ts";
import { systemNow } from "../telemetry/clock.ts";
import type { LogWriter } from "../telemetry/logger.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Observer } from "../telemetry/observe.ts";
import type { Readiness, ReadinessCheck } from "../telemetry/readiness.ts";

export interface Served {
  readonly auth: MountedService;
  readonly admin: MountedService;
  readonly token: MountedService;
  /** Checks a token, for endpoints. */
  readonly check: Parameters<typeof createForwardAuth>[0];
  readonly logIn: TokenEndpointOptions["logIn"];
  readonly audiences: TokenEndpointOptions["audiences"];
  /** Known once the public listener listens. */
  readonly issuer: () => string;
  readonly ring: KeyRing;
  readonly readiness: ReadinessCheck;
  readonly metrics: Metrics;
  readonly observer: Observer;
  readonly logger: LogWriter["logger"];
  readonly sessions: Sessions;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Less than the ten seconds that container runtimes leave between SIGTERM and SIGKILL. */
const GRACE_MS = 8_000;
/** An idle client that sends a request within this time gets an answer, which announces the close. */
const IDLE_MS = 1_000;

export interface Listeners {
  /** Closes in steps, each logged: balancers see 503, then each connection ends with its next answer. */
  drain(times: Partial<DrainTimes>): Promise<void>;
  /** Closes at once. */
  close(): Promise<void>;
  /** Opens a listener. Resolves with its origin, or undefined when it is off. */
  openPublic(): Promise<string | undefined>;
  openInternal(): Promise<string | undefined>;
}

/** Whether other machines reach the listener at this origin without TLS. */
export function isExposed(url: string | undefined): boolean {
  return url !== undefined && /^http:\/\/(?!127\.|\[::1\]|\[::ffff:127\.)/.test(url);
}

/** Prepares the listeners. */
export function createListeners(config: Config, served: Served): Listeners {
  const { auth, admin, token, observer, logger, issuer, ring, readiness } = served;
  const operated = [auth, token, admin];
  const health = createHealthService(operated.map(({ spec }) => spec));
  const reflection = createReflectionServices([...operated.map(({ spec }) => spec), health.spec]);
  const isTrusted = trustNetworks(config.trustedProxies);
  const callerFrom = createCallerFrom(isTrusted);
  const shared: Endpoints = {
    "/livez": document(() => ({ contentType: "text/plain; charset=utf-8", body: "ok\n" })),
    ...issuerDocuments(issuer, config.issuer, ring),
    "/auth/check": createForwardAuth(served.check),
    [TOKEN_PATH]: createTokenEndpoint({ ...served, setLimitHeaders }),
  };

  // Loaded at the first request, so that the start does not wait for it.
  const openapi = () => import("../services/openapi.ts");

  const { tlsCert: certs, tlsKey: keys, masterKey } = config;
  const tls: TlsFiles | undefined = certs && keys && { certs, keys };
  const opened: Listener[] = [];
  const { refused: onError, fault: onFault, connectionRefused: onConnectionRefused } = observer;
  // V8's other collections keep the pages that they free. Only the launcher makes `gc` available.
  const onCrowdLeft = (): void => void globalThis.gc?.({ type: "major", execution: "async", flavor: "last-resort" });
  const shares = shareDescriptors(config, readDescriptorLimit());
  const open = async (
    address: ListenAddress | undefined,
    own: Pick<DispatchOptions, "services" | "endpoints" | "isOwnHost" | "corsOrigins"> &
      Pick<ListenerOptions, "tls" | "maxConnections" | "maxConnectionsPerAddress">,
  ): Promise<string | undefined> => {
    if (address === undefined) return undefined;
    const serve = createDispatch({ ...own, callerFrom, onError, onFault });
    const watched = { onFault, onConnectionRefused, onCrowdLeft };
    const listener = await listen({ ...address, ...own, ...watched, serve, isTrusted });
    opened.push(listener);
    return listener.url;
  };
  const close = async (graceMs: number, idleMs: number): Promise<number> => {
    const destroyed = await Promise.all(opened.map((listener) => listener.close(graceMs, idleMs)));
    return destroyed.reduce((sum, one) => sum + one, 0);
  };

  return {
    async drain({ idleMs = IDLE_MS, graceMs = GRACE_MS }) {
      const delayMs = config.drainDelay;
      readiness.drain();
      health.drain();
      logger.info({ delay_ms: delayMs }, "draining: readiness is 503, logins are still answered");
      if (delayMs > 0) await pause(delayMs);
      logger.info({ grace_ms: graceMs }, "draining: listeners are closed, each connection ends with its next answer");
      const destroyed = await close(graceMs, idleMs);
      logger[destroyed > 0 ? "warn" : "info"]({ destroyed }, "drained: every connection has ended");
    },
    async close() {
      await close(0, 0);
    },
    openPublic: () =>
      open(config.publicListen, {
        services: [auth],
        endpoints: {
          ...shared,
          "/openapi.json": openDocument(async () => (await openapi()).publicOpenapi),
          "/readyz": document(async () => describeReadiness(await readiness.checkSeldom())),
        },
        corsOrigins: config.corsOrigins,
        maxConnections: shares.public,
        maxConnectionsPerAddress: config.maxConnectionsPerAddress,
        ...(tls && { tls: { ...tls, ticketKeys: () => deriveTicketKeys(masterKey, systemNow()) } }),
      }),
    async openInternal() {
      const url = await open(config.internalListen, {
        services: [...operated, ...[health.spec, ...reflection].map((spec) => ({ spec }))],
        endpoints: {
          ...shared,
          ...issuerDocuments(issuer, config.issuer, ring, tls === undefined ? "http" : "https"),
          "/openapi.json": document(async () => (await openapi()).internalOpenapi),
          "/metrics": document(served.metrics.render),
          "/readyz": document(async () => describeReadiness(await readiness.check())),
          "/oauth2/introspect": createIntrospection(served.check, issuer, config.audience),
          ...(config.dashboard === "on" && {
            ...signInEndpoints({ sessions: served.sessions, secure: tls !== undefined, now: served.now }),
            ...staticFiles(dashboardFolder()),
          }),
        },
        isOwnHost: createHostCheck(config.internalListen?.host ?? "", config.internalHosts),
        maxConnections: shares.internal,
        maxConnectionsPerAddress: shares.internalPerAddress,
        // Only this process accepts its session tickets: a resumed session skips the check of the client's certificate.
        ...(tls && { tls: { ...tls, ...(config.tlsClientCa !== undefined && { clientCa: config.tlsClientCa }) } }),
      });
      if (isExposed(url)) {
        const cure = "set COUNTERSIGN_TLS_CERT and COUNTERSIGN_TLS_KEY, or let it listen on 127.0.0.1";
        logger.warn({ internal: url }, `other machines reach the internal listener without TLS: ${cure}`);
      }
      return url;
    },
  };
}

/** The built dashboard: `dist/` of the package, for sources and built code alike. */
function dashboardFolder(): string {
  return join(dirname(findPackageJSON("..", import.meta.url) ?? ""), "dist", "dashboard");
}

function describeReadiness(readiness: Readiness): EndpointAnswer {
  const isReady = readiness.status === "ready" || readiness.status === "degraded";
  return { status: isReady ? 200 : 503, contentType: "application/json", body: JSON.stringify(readiness) };
}

/** Descriptors for files, the database and Redis. */
const OTHER_DESCRIPTORS = 200;
/** Descriptors that the internal listener always has: for health, metrics and operators. */
const INTERNAL_SHARE = 400;

export interface ConnectionShares {
  readonly public: number;
  readonly internal: number;
  /** The most internal connections from one address: other addresses still reach health and metrics. */
  readonly internalPerAddress: number;
}

/** Divides `descriptors` so that a full public listener leaves some to the internal one. */
export function shareDescriptors(
  { maxConnections, maxConnectionsPerAddress }: Pick<Config, "maxConnections" | "maxConnectionsPerAddress">,
  descriptors: number,
): ConnectionShares {
  const left = Math.max(2, descriptors - OTHER_DESCRIPTORS);
  const reserved = Math.min(maxConnections, INTERNAL_SHARE, left >> 1);
  const shared = Math.min(maxConnections, left - reserved);
  const internal = Math.min(maxConnections, left - shared);
  return { public: shared, internal, internalPerAddress: Math.min(maxConnectionsPerAddress, Math.ceil(internal / 2)) };
}

/** The process's limit of open descriptors; unlimited where the system does not say. */
function readDescriptorLimit(): number {
  // Documented, but missing in the types. Without it the report resolves the host names of peers.
  Reflect.set(process.report, "excludeNetwork", true);
  const report: unknown = process.report.getReport();
  const soft = /"open_files":\s*\{\s*"soft":\s*(\d+)/.exec(JSON.stringify(report))?.[1];
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
}

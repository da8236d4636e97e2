// Wires the listeners: which services and endpoints each has.

import type { Config } from "../config.ts";
import type { Limiter, TokenSigner } from "../core/ports.ts";
import type { KeyRing } from "../core/tokens/keyring.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";
import { createCallerFrom } from "../http/caller.ts";
import { createDispatch } from "../http/dispatch.ts";
import { createReadyz, document, issuerDocuments, livez } from "../http/documents.ts";
import type { Endpoint, Endpoints } from "../http/endpoints.ts";
import { type Listener, listen } from "../http/listener.ts";
import type { TlsFiles } from "../http/tls.ts";
import type { MountedService } from "../protocols/call.ts";
import { createHealthService } from "../services/health.ts";
import { createReflectionServices } from "../services/reflection.ts";
import type { ListenAddress } from "../settings.ts";
import { systemNow } from "../telemetry/clock.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Observer } from "../telemetry/observe.ts";

export interface Served {
  readonly auth: MountedService;
  readonly admin: MountedService;
  readonly token: MountedService;
  readonly forwardAuth: Endpoint;
  readonly introspection: Endpoint;
  /** Known once the public listener listens, at the latest. */
  readonly issuer: () => string;
  readonly ring: KeyRing;
  readonly limiter: Limiter;
  readonly signingKeys: SigningKeyStore;
  readonly signer: TokenSigner;
  readonly metrics: Metrics;
  readonly observer: Observer;
}

export interface Listeners {
  /** Each resolves with its origin, undefined when it is off. */
  openPublic(): Promise<string | undefined>;
  openInternal(): Promise<string | undefined>;
}

/** Whether other machines reach the listener at this origin without TLS. */
export function isExposed(url: string | undefined): boolean {
  return url !== undefined && /^http:\/\/(?!127\.|\[::1\]|\[::ffff:127\.)/.test(url);
}

/** Prepares the listeners. `cleanup` closes those that are open and lets requests finish for `graceMs` milliseconds. */
export function createListeners(
  config: Config,
  served: Served,
  graceMs: number,
  cleanup: AsyncDisposableStack,
): Listeners {
  const { auth, admin, token, observer, issuer, ring } = served;
  const operated = [auth, token, admin];
  const health = createHealthService(operated.map(({ spec }) => spec));
  const reflection = createReflectionServices([...operated.map(({ spec }) => spec), health.spec]);
  const callerFrom = createCallerFrom({ networks: config.trustedProxies, header: config.forwardedHeader });
  const shared: Endpoints = {
    "/livez": livez,
    ...issuerDocuments(issuer, config.issuer, ring),
    "/auth/check": served.forwardAuth,
  };

  // Loaded once it is asked for: a start need not wait for it.
  const openapi = () => import("../services/openapi.ts");

  const opened: Listener[] = [];
  cleanup.defer(async () => {
    health.drain();
    await Promise.all(opened.map((listener) => listener.close(graceMs)));
  });
  const open = async (
    address: ListenAddress | undefined,
    services: readonly MountedService[],
    endpoints: Endpoints,
    tls: TlsFiles | undefined,
  ): Promise<string | undefined> => {
    if (address === undefined) return undefined;
    const { refused: onError, fault: onFault } = observer;
    // Deadlines count by the system's clock, whatever time logins are given.
    const serve = createDispatch({ services, endpoints, callerFrom, onError, onFault, now: systemNow });
    const listener = await listen({ ...address, serve, ...(tls && { tls }), onFault });
    opened.push(listener);
    return listener.url;
  };

  return {
    openPublic: () =>
      open(
        config.publicListen,
        [auth],
        { ...shared, "/openapi.json": document(async () => (await openapi()).publicOpenapi) },
        config.tls,
      ),
    openInternal: () =>
      open(
        config.internalListen,
        [...operated, ...[health.spec, ...reflection].map((spec) => ({ spec }))],
        {
          ...shared,
          "/openapi.json": document(async () => (await openapi()).internalOpenapi),
          "/metrics": document(served.metrics.render),
          "/readyz": createReadyz(served.limiter, served.signingKeys, served.signer),
          "/oauth2/introspect": served.introspection,
        },
        config.tls && { ...config.tls, ...(config.tlsClientCa !== undefined && { clientCa: config.tlsClientCa }) },
      ),
  };
}

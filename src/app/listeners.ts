// Wires the listeners: which services and documents each has, over which transports.

import type { Config } from "../config.ts";
import type { Limiter, TokenSigner } from "../core/ports.ts";
import { renderJwks } from "../core/tokens/jwks.ts";
import type { KeyRing } from "../core/tokens/keyring.ts";
import { metadataPaths, renderMetadata } from "../core/tokens/metadata.ts";
import type { SigningKeyStore } from "../core/tokens/ports.ts";
import { DOCUMENT_MAX_AGE, type PublishedDocument } from "../core/tokens/published-document.ts";
import type { ListenAddress } from "../settings.ts";
import { systemNow } from "../telemetry/clock.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { Observer } from "../telemetry/observe.ts";
import { checkReadiness } from "../telemetry/readiness.ts";
import type { MountedService, TransportOptions } from "../transports/call.ts";
import { createCallerFrom } from "../transports/caller.ts";
import { createConnect } from "../transports/connect.ts";
import { createDispatch } from "../transports/dispatch.ts";
import { createDocuments, type Document, type Documents } from "../transports/documents.ts";
import { createEndpoints, type Endpoint, type Endpoints } from "../transports/endpoints.ts";
import { createGrpc } from "../transports/grpc.ts";
import type { HttpHandler } from "../transports/http.ts";
import { createHttp2 } from "../transports/http2.ts";
import { type Http2Side, type Listener, listen } from "../transports/listener.ts";
import { createRest } from "../transports/rest.ts";
import type { TlsFiles } from "../transports/tls.ts";

export interface Served {
  readonly auth: MountedService;
  readonly admin: MountedService;
  readonly token: MountedService;
  readonly forwardAuth: Endpoint;
  readonly introspection: Endpoint;
  /** Known once the public listener is, at the latest. */
  readonly issuer: () => string;
  readonly ring: KeyRing;
  readonly limiter: Limiter;
  readonly signingKeys: SigningKeyStore;
  readonly signer: TokenSigner;
  readonly metrics: Metrics;
  readonly observer: Observer;
}

export interface Listeners {
  /** Each resolves with where it listens, undefined when it is off. */
  openPublic(): Promise<string | undefined>;
  openInternal(): Promise<string | undefined>;
}

/** Prepares the listeners; `cleanup` closes those that are open, letting requests finish for `graceMs` milliseconds. */
export function createListeners(
  config: Config,
  {
    auth,
    admin,
    token,
    forwardAuth,
    introspection,
    issuer,
    ring,
    limiter,
    signingKeys,
    signer,
    metrics,
    observer,
  }: Served,
  graceMs: number,
  cleanup: AsyncDisposableStack,
): Listeners {
  const opened: Listener[] = [];
  cleanup.defer(async () => {
    await Promise.all(opened.map((listener) => listener.close(graceMs)));
  });
  const hearing = { onRefused: observer.refused, onFault: observer.fault };
  const callerFrom = createCallerFrom({ networks: config.trustedProxies, header: config.forwardedHeader });

  const open = async (
    address: ListenAddress | undefined,
    services: readonly MountedService[],
    documents: Documents,
    endpoints: Endpoints,
    createHttp2Side: (handle: HttpHandler, options: TransportOptions) => Http2Side,
    tls: TlsFiles | undefined,
  ): Promise<string | undefined> => {
    if (address === undefined) return undefined;
    // Deadlines count by the system's clock, as grpc-js has them, whatever time logins are given.
    const options = { services, callerFrom, ...hearing, now: systemNow };
    const handle = createDispatch({
      documents: createDocuments({ ...documents, "/livez": alive }, options),
      endpoints: createEndpoints(endpoints, options),
      connect: createConnect(options),
      rest: createRest(options),
      onFault: options.onFault,
    });
    const http2 = createHttp2Side(handle, options);
    const listener = await listen({ ...address, handle, http2, ...(tls && { tls }), onFault: options.onFault });
    opened.push(listener);
    return listener.url;
  };

  const metadata = Object.fromEntries(
    metadataPaths(config.issuer).map((path) => [
      path,
      () => published(renderMetadata(issuer(), ring.published()), "application/json"),
    ]),
  );

  return {
    openPublic: () =>
      open(
        config.publicListen,
        [auth],
        {
          "/.well-known/jwks.json": async () => {
            const maxAge = await lifeOfKeys(ring);
            return { ...published(renderJwks(ring.published()), "application/jwk-set+json"), maxAge };
          },
          ...metadata,
          // Loaded only once asked for: a start need not wait for it.
          "/openapi.json": async () => (await import("../services/openapi.ts")).publicOpenapi,
        },
        { "/auth/check": forwardAuth },
        (handle) => createHttp2(handle),
        config.tls,
      ),
    openInternal: () =>
      open(
        config.internalListen,
        [auth, admin, token],
        {
          "/metrics": () => metrics.render(),
          "/openapi.json": async () => (await import("../services/openapi.ts")).internalOpenapi,
          "/readyz": async () => {
            const { status, parts } = await checkReadiness(limiter, signingKeys, signer);
            const body = JSON.stringify({ status, ...parts });
            return { status: status === "unavailable" ? 503 : 200, contentType: "application/json", body };
          },
        },
        { "/auth/check": forwardAuth, "/oauth2/introspect": introspection },
        (handle, options) => createGrpc(options, handle),
        config.tls && { ...config.tls, ...(config.tlsClientCa !== undefined && { clientCa: config.tlsClientCa }) },
      ),
  };
}

/** A gateway that cannot ask its database may not have heard of a key that was revoked: what it publishes is not to be kept for long. */
async function lifeOfKeys(ring: KeyRing): Promise<number> {
  try {
    await ring.confirm();
    return DOCUMENT_MAX_AGE;
  } catch {
    return UNSURE_MAX_AGE;
  }
}

/** In seconds. */
const UNSURE_MAX_AGE = 30;

function published(document: PublishedDocument, contentType: string): Document {
  return { contentType, ...document, maxAge: DOCUMENT_MAX_AGE };
}

function alive(): Document {
  return { contentType: "text/plain; charset=utf-8", body: "ok\n" };
}

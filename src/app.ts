// The composition root: a Config into a running gateway. The only place where parts are constructed and wired.

import { mkdirSync } from "node:fs";
import { type Config, dataFile } from "./config.ts";
import { createAddressLimits } from "./core/limiter/address-limits.ts";
import type { FallbackHearing } from "./core/limiter/fallback.ts";
import { createMemoryLimiter } from "./core/limiter/memory.ts";
import type { RedisUrl } from "./core/limiter/redis-url.ts";
import { createLogIn } from "./core/login.ts";
import type { Limiter } from "./core/ports.ts";
import { createRegistry, type Registry } from "./core/registry.ts";
import { JWKS_MAX_AGE, renderJwks } from "./core/tokens/jwks.ts";
import { openKeyRing } from "./core/tokens/keyring.ts";
import { createTokenSigner } from "./core/tokens/signer.ts";
import { createAdminService } from "./services/admin.ts";
import { createAdminGuard } from "./services/admin-guard.ts";
import { createAuthService } from "./services/auth.ts";
import type { ListenAddress } from "./settings.ts";
import { createCredentialCache } from "./store/cache.ts";
import { watchChanges } from "./store/changes.ts";
import { migrate } from "./store/migrations.ts";
import { createSealer } from "./store/sealing.ts";
import { createStore } from "./store/sql.ts";
import { openSqlite } from "./store/sqlite.ts";
import { monotonicNow, systemNow } from "./telemetry/clock.ts";
import { observeFallback } from "./telemetry/fallback.ts";
import { createLog } from "./telemetry/logger.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createObserver } from "./telemetry/observe.ts";
import { checkReadiness } from "./telemetry/readiness.ts";
import type { MountedService, TransportOptions } from "./transports/call.ts";
import { callerOf, createCallerFrom } from "./transports/caller.ts";
import { createConnect } from "./transports/connect.ts";
import { createDispatch } from "./transports/dispatch.ts";
import { createDocuments, type Document, type Documents } from "./transports/documents.ts";
import { createGrpc } from "./transports/grpc.ts";
import type { HttpHandler } from "./transports/http.ts";
import { createHttp2 } from "./transports/http2.ts";
import { type Http2Side, type Listener, listen } from "./transports/listener.ts";
import { createRest } from "./transports/rest.ts";
import type { TlsFiles } from "./transports/tls.ts";

/** A gateway that answers. */
export interface Gateway {
  /** Undefined when that listener is off. */
  readonly publicUrl: string | undefined;
  readonly internalUrl: string | undefined;
  readonly registry: Registry;
  /** Stops accepting, lets requests finish for a while, then closes everything. */
  close(): Promise<void>;
}

export interface GatewayOptions {
  /** Unix milliseconds; the system's clock when absent. */
  readonly now?: () => number;
  /** How long requests may take to finish once the gateway closes, in milliseconds. */
  readonly graceMs?: number;
  /** How long Redis may take to decide, in milliseconds; what it has not decided by then is decided without it. */
  readonly redisDeadlineMs?: number;
}

/** Under the ten seconds that container runtimes commonly leave between SIGTERM and SIGKILL. */
const GRACE_MS = 8_000;
/** How long Redis may take to decide, unless it is told otherwise, in milliseconds. */
export const REDIS_DEADLINE_MS = 25;
const CACHED_DEVICES = 50_000;
/** A bound on what a key's own dates change; all else that changes is noticed, see watchChanges. */
const CACHE_TTL_MS = 60_000;

/** Starts a gateway; resolves once every listener accepts. @throws SealError, or the system's error, with nothing left open */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const cleanup = new AsyncDisposableStack();
  try {
    return await compose(
      config,
      { now: systemNow, graceMs: GRACE_MS, redisDeadlineMs: REDIS_DEADLINE_MS, ...options },
      cleanup,
    );
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

async function compose(
  config: Config,
  { now, graceMs, redisDeadlineMs }: Required<GatewayOptions>,
  cleanup: AsyncDisposableStack,
): Promise<Gateway> {
  // Telemetry.
  const log = createLog(config.logLevel);
  cleanup.defer(() => log.flush());
  const metrics = createMetrics();
  const observer = createObserver(log.logger, metrics, monotonicNow);

  // Store.
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const db = openSqlite(dataFile(config.dataDir, "countersign.db"));
  cleanup.defer(() => db.destroy());
  await migrate(db);
  const store = createStore(db, createSealer(config.masterKey), observer.fault);
  const credentials = createCredentialCache(store, { capacity: CACHED_DEVICES, ttlMs: CACHE_TTL_MS });
  cleanup.defer(await watchChanges(db, () => credentials.clear()));

  // Core.
  let publicUrl: string | undefined;
  const ring = await openKeyRing(store, config.tokenAlg, now());
  const alg = ring.active()?.alg;
  if (alg !== config.tokenAlg) {
    const cure =
      "TOKEN_ALG is for the first key of a database: this one has a key of another algorithm, and signs with it";
    log.logger.warn({ alg, token_alg: config.tokenAlg }, cure);
  }
  const signer = createTokenSigner({
    issuer: () => config.issuer ?? publicUrl ?? "",
    audience: config.audience,
    ttlSeconds: config.tokenTtlSeconds,
    activeKey: ring.active,
  });
  const limiter =
    config.redisUrl === undefined
      ? createMemoryLimiter()
      : await openLimiter(
          config,
          config.redisUrl,
          { deadlineMs: redisDeadlineMs, now: now(), hearing: observeFallback(log.logger, metrics, config.redisDown) },
          cleanup,
        );
  const logIn = createLogIn({
    credentials,
    limiter,
    signer,
    policies: {
      login: config.loginLimit,
      failure: config.failureLimit,
      address: createAddressLimits(config.addressLimit, config.addressLimitOverrides),
      // A proof is fresh for twice the skew, and must be remembered for longer than that.
      replay: { name: "replay", limit: 1, windowMs: 2 * config.clockSkewMs + 1_000 },
    },
    skewMs: config.clockSkewMs,
    now,
  });
  const registry = createRegistry({
    store,
    listener: {
      deviceChanged: (deviceKey) => credentials.forget(deviceKey),
      customerChanged: () => credentials.clear(),
    },
    now,
  });

  // Services, each once.
  const auth: MountedService = { spec: createAuthService({ logIn: observer.observeLogIn(logIn), callerOf, now }) };
  const admin: MountedService = {
    spec: observer.observeCalls(createAdminService({ registry }), callerOf),
    guard: createAdminGuard(config.adminToken),
  };

  // Transports and listeners.
  const listeners: Listener[] = [];
  cleanup.defer(async () => {
    await Promise.all(listeners.map((listener) => listener.close(graceMs)));
  });
  const hearing = { onRefused: observer.refused, onFault: observer.fault };
  const callerFrom = createCallerFrom({ networks: config.trustedProxies, header: config.forwardedHeader });
  const open = async (
    address: ListenAddress | undefined,
    services: readonly MountedService[],
    documents: Documents,
    createHttp2Side: (handle: HttpHandler, options: TransportOptions) => Http2Side,
    tls: TlsFiles | undefined,
  ): Promise<string | undefined> => {
    if (address === undefined) return undefined;
    // Deadlines count by the system's clock, as grpc-js has them, whatever time logins are given.
    const options = { services, callerFrom, ...hearing, now: systemNow };
    const handle = createDispatch({
      documents: createDocuments({ ...documents, "/livez": alive }, options),
      connect: createConnect(options),
      rest: createRest(options),
      onFault: options.onFault,
    });
    const http2 = createHttp2Side(handle, options);
    const listener = await listen({ ...address, handle, http2, ...(tls && { tls }), onFault: options.onFault });
    listeners.push(listener);
    return listener.url;
  };

  publicUrl = await open(
    config.publicListen,
    [auth],
    {
      "/.well-known/jwks.json": () => ({
        contentType: "application/jwk-set+json",
        ...renderJwks(ring.published()),
        maxAge: JWKS_MAX_AGE,
      }),
      // Loaded only once asked for: a start need not wait for it.
      "/openapi.json": async () => (await import("./services/openapi.ts")).publicOpenapi,
    },
    (handle) => createHttp2(handle),
    config.tls,
  );
  const internalUrl = await open(
    config.internalListen,
    [auth, admin],
    {
      "/metrics": () => metrics.render(),
      "/openapi.json": async () => (await import("./services/openapi.ts")).internalOpenapi,
      "/readyz": async () => {
        const { status, parts } = await checkReadiness(limiter, store, signer);
        const body = JSON.stringify({ status, ...parts });
        return { status: status === "unavailable" ? 503 : 200, contentType: "application/json", body };
      },
    },
    (handle, options) => createGrpc(options, handle),
    config.tls && { ...config.tls, ...(config.tlsClientCa !== undefined && { clientCa: config.tlsClientCa }) },
  );

  const limits = config.redisUrl === undefined ? "memory" : "redis";
  log.logger.info({ public: publicUrl, internal: internalUrl, limits, kid: ring.active()?.kid }, "listening");
  return { publicUrl, internalUrl, registry, close: () => cleanup.disposeAsync() };
}

async function openLimiter(
  config: Config,
  redisUrl: RedisUrl,
  { deadlineMs, now, hearing }: { deadlineMs: number; now: number; hearing: FallbackHearing },
  cleanup: AsyncDisposableStack,
): Promise<Limiter> {
  // Loaded only where it is used: a start without Redis need not wait for it.
  const [{ connectRedis }, { createRedisLimiter }, { createFallbackLimiter, HEARING_MS }] = await Promise.all([
    import("./core/limiter/connection.ts"),
    import("./core/limiter/redis.ts"),
    import("./core/limiter/fallback.ts"),
  ]);
  const redis = await connectRedis(redisUrl);
  cleanup.defer(redis.close);
  const limiter = createFallbackLimiter({
    limiter: createRedisLimiter(redis.client, {
      clock: config.redisClock,
      slotOf: redis.slotOf,
      elapsed: monotonicNow,
      deadlineMs: HEARING_MS,
    }),
    reach: redis,
    whenAway: config.redisDown,
    instances: config.instances,
    deadlineMs,
    elapsed: monotonicNow,
    startedAt: now,
    hearing,
  });
  cleanup.defer(limiter.close);
  await limiter.open();
  return limiter;
}

function alive(): Document {
  return { contentType: "text/plain; charset=utf-8", body: "ok\n" };
}

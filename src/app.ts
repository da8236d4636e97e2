// The composition root: a Config into a running gateway. The only place where parts are constructed and wired.

import { mkdirSync } from "node:fs";
import { createServiceImplSpec } from "@connectrpc/connect";
import { AdminService } from "../gen/es/countersign/admin/v1/admin_pb.ts";
import { AuthService } from "../gen/es/countersign/auth/v1/auth_pb.ts";
import { type Config, dataFile, type ListenAddress } from "./config.ts";
import { createMemoryLimiter } from "./core/limiter/memory.ts";
import { createLogIn } from "./core/login.ts";
import type { Limiter } from "./core/ports.ts";
import { createRegistry, type Registry } from "./core/registry.ts";
import { JWKS_MAX_AGE, renderJwks } from "./core/tokens/jwks.ts";
import { openKeyRing } from "./core/tokens/keyring.ts";
import { createTokenSigner } from "./core/tokens/signer.ts";
import { createAdminService } from "./services/admin.ts";
import { createAuthService } from "./services/auth.ts";
import { createCredentialCache } from "./store/cache.ts";
import { watchChanges } from "./store/changes.ts";
import { migrate } from "./store/migrations.ts";
import { createSealer } from "./store/sealing.ts";
import { createStore } from "./store/sql.ts";
import { openSqlite } from "./store/sqlite.ts";
import { monotonicNow, systemNow } from "./telemetry/clock.ts";
import { createLog } from "./telemetry/logger.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createObserver } from "./telemetry/observe.ts";
import { callerOf } from "./transports/caller.ts";
import { createConnect } from "./transports/connect.ts";
import { createDispatch } from "./transports/dispatch.ts";
import { createDocuments, type Document } from "./transports/documents.ts";
import { createGrpc } from "./transports/grpc.ts";
import { createHttp2 } from "./transports/http2.ts";
import { type Listener, type ListenerOptions, listen } from "./transports/listener.ts";
import { createRest } from "./transports/rest.ts";

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
}

const GRACE_MS = 10_000;
const CACHED_DEVICES = 50_000;
/** A bound on what a key's own dates change; all else that changes is noticed, see watchChanges. */
const CACHE_TTL_MS = 60_000;

/** Starts a gateway; resolves once every listener accepts. @throws SealError, or the system's error, with nothing left open */
export async function startGateway(
  config: Config,
  { now = systemNow, graceMs = GRACE_MS }: GatewayOptions = {},
): Promise<Gateway> {
  const cleanup = new AsyncDisposableStack();
  try {
    return await compose(config, { now, graceMs }, cleanup);
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

async function compose(
  config: Config,
  { now, graceMs }: Required<GatewayOptions>,
  cleanup: AsyncDisposableStack,
): Promise<Gateway> {
  const log = createLog(config.logLevel);
  cleanup.defer(() => log.flush());
  const metrics = createMetrics();
  const observer = createObserver(log.logger, metrics, monotonicNow);

  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 });
  const db = openSqlite(dataFile(config.dataDir, "countersign.db"));
  cleanup.defer(() => db.destroy());
  await migrate(db);
  const store = createStore(db, createSealer(config.masterKey));
  const credentials = createCredentialCache(store, { capacity: CACHED_DEVICES, ttlMs: CACHE_TTL_MS });

  cleanup.defer(watchChanges(db, () => credentials.clear()));

  const ring = await openKeyRing(store, now());
  const jwks = renderJwks(ring.published);
  const limiter = await openLimiter(config.redisUrl, log.logger, cleanup);

  let publicUrl: string | undefined;
  const signer = createTokenSigner({
    issuer: () => config.issuer ?? publicUrl ?? "",
    audience: config.audience,
    ttlSeconds: config.tokenTtlSeconds,
    activeKey: () => ring.active,
  });
  const logIn = createLogIn({
    credentials,
    limiter,
    signer,
    policies: {
      login: config.loginLimit,
      failure: config.failureLimit,
      address: config.addressLimit,
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

  const auth = createServiceImplSpec<typeof AuthService>(
    AuthService,
    createAuthService({ logIn: observer.observeLogIn(logIn), callerOf, now }),
  );
  const admin = createServiceImplSpec<typeof AdminService>(
    AdminService,
    createAdminService({ registry, adminToken: config.adminToken }),
  );

  const hearing = { onRefused: observer.refused, onFault: observer.fault };
  const publicServices = { services: [auth], ...hearing };
  const handlePublic = createDispatch({
    documents: createDocuments(
      {
        "/.well-known/jwks.json": () => ({ contentType: "application/jwk-set+json", ...jwks, maxAge: JWKS_MAX_AGE }),
        "/livez": alive,
      },
      hearing,
    ),
    connect: createConnect(publicServices),
    rest: createRest(publicServices),
    onFault: observer.fault,
  });
  publicUrl = await open(
    config.publicListen,
    { handle: handlePublic, http2: createHttp2(handlePublic) },
    graceMs,
    cleanup,
  );

  const internalServices = { services: [auth, admin], ...hearing };
  const handleInternal = createDispatch({
    documents: createDocuments(
      { "/metrics": () => metrics.render(), "/livez": alive, "/readyz": () => readiness(limiter) },
      hearing,
    ),
    connect: createConnect(internalServices),
    rest: createRest(internalServices),
    onFault: observer.fault,
  });
  const internalUrl = await open(
    config.internalListen,
    { handle: handleInternal, http2: createGrpc(internalServices) },
    graceMs,
    cleanup,
  );

  log.logger.info(
    { public: publicUrl, internal: internalUrl, limits: config.redisUrl ? "redis" : "memory", kid: ring.active.kid },
    "listening",
  );
  return { publicUrl, internalUrl, registry, close: () => cleanup.disposeAsync() };
}

async function open(
  address: ListenAddress | undefined,
  sides: Pick<ListenerOptions, "handle" | "http2">,
  graceMs: number,
  cleanup: AsyncDisposableStack,
): Promise<string | undefined> {
  if (address === undefined) return undefined;
  const listener: Listener = await listen({ ...address, ...sides });
  cleanup.defer(() => listener.close(graceMs));
  return listener.url;
}

async function openLimiter(
  redisUrl: string | undefined,
  logger: { warn(fields: object, message: string): void },
  cleanup: AsyncDisposableStack,
): Promise<Limiter> {
  if (redisUrl === undefined) return createMemoryLimiter();
  // Loaded only where it is used: a start without Redis need not wait for it.
  const [{ connectRedis }, { createRedisLimiter }] = await Promise.all([
    import("./core/limiter/connection.ts"),
    import("./core/limiter/redis.ts"),
  ]);
  const redis = await connectRedis(redisUrl, (error) => logger.warn({ err: error }, "redis"));
  cleanup.defer(() => redis.disconnect());
  return createRedisLimiter(redis);
}

function alive(): Document {
  return { contentType: "text/plain; charset=utf-8", body: "ok\n" };
}

async function readiness(limiter: Limiter): Promise<Document> {
  const limits = await limiter.ping().then(
    () => "ok",
    () => "unavailable",
  );
  return {
    status: limits === "ok" ? 200 : 503,
    contentType: "application/json",
    body: JSON.stringify({ status: limits === "ok" ? "ready" : "unavailable", limits }),
  };
}

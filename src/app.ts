// The composition root: builds a running gateway from a Config. Only app.ts and app/ construct parts.

import { openRing, type RingTimes } from "./app/key-ring.ts";
import { openLimiter } from "./app/limits.ts";
import { createListeners } from "./app/listeners.ts";
import { openRegistry } from "./app/registry.ts";
import { openTelemetry } from "./app/telemetry.ts";
import { type Config, readVersion } from "./config.ts";
import { createReadDeviceLimit } from "./core/device-limit.ts";
import { createExplainLogin } from "./core/explain.ts";
import { createAddressLimits } from "./core/limiter/addresses.ts";
import { createLogIn } from "./core/login.ts";
import { createOverloadGuard } from "./core/overload.ts";
import type { Registry } from "./core/registry/registry.ts";
import { signInLink } from "./core/registry/sessions.ts";
import { assertionAudiences } from "./core/tokens/published-document.ts";
import { createTokenSigner } from "./core/tokens/signer.ts";
import type { SigningKeys } from "./core/tokens/signing-keys.ts";
import { createTokenVerifier } from "./core/tokens/verifier.ts";
import { createVerifyToken } from "./core/verify-token.ts";
import { callerOf, MAX_MESSAGE_BYTES, type MountedService } from "./protocols/call.ts";
import { JSON_CODEC } from "./protocols/message.ts";
import { ADMIN_MESSAGE_BYTES, createAdminService } from "./services/admin.ts";
import { createActorOf, createAdminGuard } from "./services/admin-guard.ts";
import { createAuthService, createReadLogin } from "./services/auth.ts";
import { createTokenService, TOKEN_MESSAGE_BYTES } from "./services/token.ts";
import { SealError } from "./store/sealing.ts";
import { monotonicNow, systemNow } from "./telemetry/clock.ts";
import { observeFallback, observeOverload, observeStore } from "./telemetry/outages.ts";
import { createReadinessCheck } from "./telemetry/readiness.ts";
import { observeSteps } from "./telemetry/tracing.ts";

/** A running gateway. */
export interface Gateway {
  /** Undefined when the listener is off. */
  readonly publicUrl: string | undefined;
  readonly internalUrl: string | undefined;
  readonly registry: Registry;
  readonly signingKeys: SigningKeys;
  /** The services of the internal listener, for a host that mounts them itself. */
  readonly services: readonly MountedService[];
  /** A link that signs in to the dashboard once, as the holder of COUNTERSIGN_ADMIN_TOKEN; undefined without dashboard. */
  createSignInLink(): Promise<string | undefined>;
  /** Logs an uncaught error, and flushes the log. */
  reportUncaught(error: unknown): void;
  /** Drains for the setting DRAIN_DELAY, lets requests finish for `graceMs`, then closes everything. */
  close(): Promise<void>;
}

/** One choice of the operator, and parts that tests replace. */
export interface GatewayOptions {
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Milliseconds of a clock that never steps, by which Redis is waited for. */
  readonly elapsed?: () => number;
  /** Time that requests have to finish once the gateway closes, in milliseconds. */
  readonly graceMs?: number;
  /** Time that an idle connection has for one more request once the gateway closes, in milliseconds. */
  readonly idleMs?: number;
  /** Deadline of Redis, in milliseconds; the gateway decides a late charge itself. */
  readonly redisDeadlineMs?: number;
  /** Drops the secrets that no master key opens, instead of refusing to start. */
  readonly forgetLostSecrets?: boolean;
  /** Times of the key ring, in place of those of the settings. */
  readonly ringTimes?: Partial<RingTimes>;
  /** How late the event loop is, in milliseconds; measured when absent. */
  readonly loopDelayMs?: () => number;
  /** More logins under way than this make a late event loop an overload. */
  readonly saturated?: number;
}

/** Starts a gateway. Resolves once every listener accepts. @throws SealError or a system error, with nothing left open */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const cleanup = new AsyncDisposableStack();
  try {
    return await compose(config, options, cleanup);
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}

async function compose(config: Config, options: GatewayOptions, cleanup: AsyncDisposableStack): Promise<Gateway> {
  const { now = systemNow, elapsed = monotonicNow, forgetLostSecrets = false, ringTimes = {} } = options;

  // Telemetry.
  const version = readVersion();
  const { log, metrics, recentLogins, observer, tracing, eventLoop } = await openTelemetry(
    config,
    { version, now },
    cleanup,
  );
  let isListening = false;
  cleanup.defer(() => {
    if (isListening) log.logger.info("stopped");
  });

  // Store.
  const faultOf = (kind: "customer_key" | "signing_key") => (error: unknown) => {
    if (error instanceof SealError) metrics.unopenedSecrets.inc({ kind });
    observer.fault(error);
  };
  const { database, store, activity, registry, secrets } = await openRegistry(
    config,
    {
      now,
      onFault: faultOf("customer_key"),
      outageListener: observeStore(log.logger, metrics),
      forgetLostSecrets,
      logger: log.logger,
    },
    cleanup,
  );

  // Core.
  let publicUrl: string | undefined;
  let internalUrl: string | undefined;
  const issuer = (): string => config.issuer ?? publicUrl ?? internalUrl ?? "";
  const audiences = (): readonly string[] => assertionAudiences(issuer());
  const { ring, signingKeys } = await openRing(
    config,
    { store: store.signingKeys, now, onFault: faultOf("signing_key"), times: ringTimes },
    cleanup,
  );
  const signer = createTokenSigner({
    issuer,
    audience: config.audience,
    type: config.tokenType,
    ttlSeconds: Math.round(config.tokenTtl / 1_000),
    activeKey: ring.active,
    confirm: ring.confirm,
  });
  const limiter = await openLimiter(
    config,
    { deadlineMs: options.redisDeadlineMs, elapsed, listener: observeFallback(log.logger, metrics, config.redisDown) },
    cleanup,
  );
  const logIn = createLogIn({
    ...observeSteps({ credentials: store.credentials, limiter, signer }, metrics, tracing, monotonicNow),
    policies: {
      login: config.loginLimit,
      failure: config.failureLimit,
      address: createAddressLimits(config.addressLimit, config.addressLimitOverrides),
      // A signed login is fresh for twice the skew, and is remembered for a second longer.
      replay: { name: "replay", limit: 1, windowMs: 2 * config.clockSkew + 1_000 },
    },
    skewMs: config.clockSkew,
    now,
  });
  const overload = createOverloadGuard({
    loopDelayMs: options.loopDelayMs ?? eventLoop.delayMs,
    elapsed: monotonicNow,
    random: Math.random,
    saturated: options.saturated,
    onRefused: observeOverload(log.logger, metrics, monotonicNow),
  });
  metrics.watch({
    eventLoopDelayMs: eventLoop.delayMs,
    loginsUnderWay: overload.underWay,
    keyActiveSince: ring.activeSince,
    certificates: config.tlsCert ?? [],
    now,
  });
  const verifyToken = createVerifyToken({
    verify: createTokenVerifier({ issuer, audience: config.audience, ring }),
    credentials: store.credentials,
    now,
  });
  const explain = createExplainLogin({
    ...store,
    readLogin: createReadLogin(JSON_CODEC.read),
    maxLoginBytes: MAX_MESSAGE_BYTES,
    audiences,
    skewMs: config.clockSkew,
    now,
  });
  const readDeviceLimit = createReadDeviceLimit({ ...store, limiter, login: config.loginLimit, now });
  const readiness = createReadinessCheck({ limiter, store: database, signer, elapsed: monotonicNow });

  // Services, each once.
  const counted = activity.watch(logIn);
  const logInObserved = observer.observeLogIn((request, caller) => overload.run(() => counted(request, caller)));
  const check = observer.observeVerifyToken(verifyToken);
  const auth: MountedService = {
    spec: tracing.observeCalls(createAuthService({ logIn: logInObserved, callerOf, now })),
  };
  const token: MountedService = {
    spec: tracing.observeCalls(createTokenService({ verifyToken: check, callerOf })),
    maxMessageBytes: TOKEN_MESSAGE_BYTES,
  };
  const adminService = createAdminService({
    registry,
    explain,
    secrets,
    signingKeys,
    readDeviceLimit,
    overview: { readLogins: recentLogins.read, checkParts: readiness.check, version },
    actorOf: createActorOf(callerOf),
  });
  const { sessions, operators } = registry;
  const admin: MountedService = {
    spec: observer.observeCalls(adminService, callerOf),
    guard: createAdminGuard(operators, { sessions, secure: config.tlsCert !== undefined }),
    maxMessageBytes: ADMIN_MESSAGE_BYTES,
  };

  // Listeners.
  const listeners = createListeners(config, {
    auth,
    admin,
    token,
    check,
    logIn: logInObserved,
    audiences,
    issuer,
    ring,
    readiness,
    sessions,
    now,
    metrics,
    observer,
    logger: log.logger,
  });
  cleanup.defer(() => (isListening ? listeners.drain({ ...options, delayMs: config.drainDelay }) : listeners.close()));
  publicUrl = await listeners.openPublic();
  internalUrl = await listeners.openInternal();
  isListening = true;

  const limits = config.redisUrl === undefined ? "memory" : "redis";
  const dialect = config.databaseUrl === undefined ? "sqlite" : "postgres";
  const urls = { public: publicUrl, internal: internalUrl };
  log.logger.info({ ...urls, limits, database: dialect, kid: ring.active()?.kid }, "listening");
  return {
    publicUrl,
    internalUrl,
    registry,
    signingKeys,
    services: [auth, token, admin],
    async createSignInLink() {
      if (internalUrl === undefined || config.dashboard === "off") return undefined;
      const { code } = await sessions.issueCode(await operators.identify(config.adminToken));
      return signInLink(internalUrl, code);
    },
    reportUncaught(error) {
      observer.uncaught(error);
      void log.flush();
    },
    close: () => cleanup.disposeAsync(),
  };
}

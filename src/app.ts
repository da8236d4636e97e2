// The composition root: builds a running gateway from a Config. Only app.ts and app/ construct parts.

import { hostname } from "node:os";
import { openLimiter, REDIS_DEADLINE_MS } from "./app/limits.ts";
import { createListeners } from "./app/listeners.ts";
import { openRegistry } from "./app/registry.ts";
import { type Config, readVersion } from "./config.ts";
import { createReadDeviceLimit } from "./core/charges.ts";
import { createDeadline } from "./core/deadline.ts";
import { createExplainLogin } from "./core/explain.ts";
import { createAddressLimits } from "./core/limiter/addresses.ts";
import { createLogIn } from "./core/login.ts";
import { createOverloadGuard } from "./core/overload.ts";
import type { Registry } from "./core/registry/registry.ts";
import { createSessions, signInLink } from "./core/registry/sessions.ts";
import { openKeyRing } from "./core/tokens/keyring.ts";
import { PUBLISH_MS, type RingRules } from "./core/tokens/rotation.ts";
import { createSigningKeys, type SigningKeys } from "./core/tokens/signing-keys.ts";
import { createTokenSigner, createTokenVerifier, createVerifyToken } from "./core/tokens/tokens.ts";
import { assertionAudiences } from "./http/documents.ts";
import type { DrainTimes } from "./http/drain.ts";
import { callerOf, MAX_MESSAGE_BYTES, type MountedService } from "./protocols/call.ts";
import { JSON_CODEC } from "./protocols/message.ts";
import { ADMIN_MESSAGE_BYTES, createAdminService } from "./services/admin.ts";
import { createActorOf, createAdminGuard } from "./services/admin-guard.ts";
import { createAuthService, createReadLogin, createTokenService, TOKEN_MESSAGE_BYTES } from "./services/auth.ts";
import { createOverview } from "./services/overview.ts";
import { storeUnavailable } from "./store/outage.ts";
import { SealError } from "./store/sealing.ts";
import { monotonicNow, repeatEvery, systemNow, watchEventLoop } from "./telemetry/clock.ts";
import { createLog } from "./telemetry/logger.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { createObserver } from "./telemetry/observe.ts";
import { observeFallback, observeOverload, observeStore } from "./telemetry/outages.ts";
import { createReadinessCheck } from "./telemetry/readiness.ts";
import { NO_TRACING, observeSteps, startTracing } from "./telemetry/tracing.ts";

/** A running gateway. */
export interface Gateway {
  /** Undefined when the listener is off. */
  readonly publicUrl: string | undefined;
  readonly internalUrl: string | undefined;
  readonly registry: Registry;
  readonly signingKeys: SigningKeys;
  /** The services of the internal listener, for a program that mounts them on its own server. */
  readonly services: readonly MountedService[];
  /** A link that signs in to the dashboard once, as the holder of COUNTERSIGN_ADMIN_TOKEN; undefined without dashboard. */
  createSignInLink(): Promise<string | undefined>;
  /** Logs an uncaught error, and flushes the log. */
  reportUncaught(error: unknown): void;
  /** Drains for DRAIN_DELAY, lets requests finish for `graceMs`, then closes everything. */
  close(): Promise<void>;
}

/** The operator's choice about lost secrets, and parts that tests replace. */
export interface GatewayOptions extends Partial<DrainTimes> {
  /** Unix milliseconds. */
  readonly now?: () => number;
  /** Milliseconds of a clock that never steps; times the calls to Redis. */
  readonly elapsed?: () => number;
  /** Deadline of Redis, in milliseconds; the gateway decides a late charge itself. */
  readonly redisDeadlineMs?: number;
  /** Drops the secrets that no master key opens, instead of refusing to start. */
  readonly forgetLostSecrets?: boolean;
  /** Intervals of the key ring in milliseconds, in place of the settings'. `lookMs`: between two reads of the keys. */
  readonly ringTimes?: Partial<Pick<RingRules, "publishMs" | "rotateEveryMs">> & { readonly lookMs?: number };
  /** How late the event loop is, in milliseconds; measured when absent. */
  readonly loopDelayMs?: () => number;
  /** A late event loop is an overload only with more logins under way than this. */
  readonly busyAbove?: number;
}

const RING_LOOK_MS = 1_000;
/** How long a login waits for signing keys from a database that does not answer, in milliseconds. */
const RING_READ_MS = 2_000;

/** Starts a gateway. Resolves once every listener accepts. @throws SealError or a system error, with nothing left open */
export async function startGateway(config: Config, options: GatewayOptions = {}): Promise<Gateway> {
  const { now = systemNow, elapsed = monotonicNow, forgetLostSecrets = false } = options;
  // Disposed if the start fails. A running gateway disposes it in `close`.
  await using cleanup = new AsyncDisposableStack();

  // Telemetry.
  const version = readVersion();
  const tracing = config.tracing === undefined ? NO_TRACING : await startTracing(config.tracing.serviceName);
  cleanup.defer(tracing.close);
  const base = { gateway: `${hostname()}:${process.pid}`, version };
  const { logger, flush } = createLog(config.logLevel, { base, mixin: tracing.logFields });
  cleanup.defer(flush);
  const eventLoop = watchEventLoop();
  cleanup.defer(eventLoop.close);
  const metrics = createMetrics(version, {
    eventLoopDelayMs: eventLoop.delayMs,
    loginsUnderWay: () => overload.underWay(),
    keyActiveSince: () => ring.activeSince(),
    certificates: config.tlsCert ?? [],
    now,
  });
  const onLogin = (outcome: string): void => overview.count(outcome);
  const observer = createObserver({ logger, metrics, onLogin, elapsed: monotonicNow });
  let isListening = false;
  cleanup.defer(() => {
    if (isListening) logger.info("stopped");
  });

  // Store.
  const faultOf = (kind: "customer_key" | "signing_key") => (error: unknown) => {
    if (error instanceof SealError) metrics.unopenedSecrets.inc({ kind });
    observer.fault(error);
  };
  const { database, store, activity, registry, sealer } = await openRegistry(
    config,
    {
      now,
      onFault: faultOf("customer_key"),
      outageListener: observeStore(logger, metrics),
      forgetLostSecrets,
      logger,
    },
    cleanup,
  );

  // Core.
  let publicUrl: string | undefined;
  let internalUrl: string | undefined;
  const issuer = (): string => config.issuer ?? publicUrl ?? internalUrl ?? "";
  const audiences = (): readonly string[] => assertionAudiences(issuer());
  const { lookMs = RING_LOOK_MS, ...ringTimes } = options.ringTimes ?? {};
  const rules = { alg: config.tokenAlg, publishMs: PUBLISH_MS, rotateEveryMs: config.keyRotation, ...ringTimes };
  const onRingFault = faultOf("signing_key");
  const within = createDeadline(RING_READ_MS, () => storeUnavailable("does not answer in time"));
  const ring = await openKeyRing({
    rules,
    store: store.signingKeys,
    now,
    elapsed: monotonicNow,
    onFault: onRingFault,
    within,
  });
  cleanup.defer(repeatEvery(lookMs, ring.keepUp, onRingFault));
  const signingKeys = createSigningKeys(store.signingKeys, ring, rules, now);
  const signer = createTokenSigner({
    ring,
    issuer,
    audience: config.audience,
    type: config.tokenType,
    ttlSeconds: Math.round(config.tokenTtl / 1_000),
  });
  const { redisDeadlineMs: deadlineMs = REDIS_DEADLINE_MS } = options;
  const listener = observeFallback(logger, metrics, config.redisDown);
  const limiter = await openLimiter(config, { elapsed, listener, deadlineMs }, cleanup);
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
    busyAbove: options.busyAbove,
    onRefused: observeOverload(logger, metrics, monotonicNow),
  });
  const verify = createTokenVerifier(issuer, config.audience, ring);
  const verifyToken = createVerifyToken(verify, store.credentials, now);
  const explain = createExplainLogin({
    ...store,
    readLogin: createReadLogin(JSON_CODEC.read),
    maxLoginBytes: MAX_MESSAGE_BYTES,
    audiences,
    skewMs: config.clockSkew,
    now,
  });
  const readDeviceLimit = createReadDeviceLimit(store.credentials, limiter, config.loginLimit, now);
  const readiness = createReadinessCheck({ limiter, store: database, signer, elapsed: monotonicNow });

  // Services.
  const counted = activity.watch(logIn);
  const logInObserved = observer.observeLogIn((request, caller) => overload.run(() => counted(request, caller)));
  const check = observer.observeVerifyToken(verifyToken);
  const auth: MountedService = {
    spec: tracing.observeCalls(createAuthService(logInObserved, callerOf, now)),
  };
  const token: MountedService = {
    spec: tracing.observeCalls(createTokenService(check, callerOf)),
    maxMessageBytes: TOKEN_MESSAGE_BYTES,
  };
  const { operators, fleet } = registry;
  const overview = createOverview({ fleet, checkParts: readiness.check, version, now });
  const sessions = createSessions({ operators, sealer, limiter, now });
  const adminService = createAdminService({
    registry,
    sessions,
    explain,
    reseal: (actor) => store.secrets.reseal({ actor, at: now() }),
    signingKeys,
    readDeviceLimit,
    overview,
    actorOf: createActorOf(callerOf),
  });
  const admin: MountedService = {
    spec: observer.observeCalls(adminService, callerOf),
    guard: createAdminGuard(operators, sessions, config.tlsCert !== undefined),
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
    logger,
  });
  cleanup.defer(() => (isListening ? listeners.drain(options) : listeners.close()));
  publicUrl = await listeners.openPublic();
  internalUrl = await listeners.openInternal();
  isListening = true;

  const limits = config.redisUrl === undefined ? "memory" : "redis";
  const dialect = config.databaseUrl === undefined ? "sqlite" : "postgres";
  const urls = { public: publicUrl, internal: internalUrl };
  logger.info({ ...urls, limits, database: dialect, kid: ring.active()?.kid }, "listening");
  const running = cleanup.move();
  return {
    publicUrl,
    internalUrl,
    registry,
    signingKeys,
    services: [auth, token, admin],
    async createSignInLink() {
      if (internalUrl === undefined || config.dashboard === "off") return undefined;
      const { text: code } = sessions.issueCode(await operators.identify(config.adminToken));
      return signInLink(internalUrl, code);
    },
    reportUncaught(error) {
      observer.uncaught(error);
      void flush();
    },
    close: () => running.disposeAsync(),
  };
}

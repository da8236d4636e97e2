// Observers: a log line and metrics for every login, call and error.

import type { HandlerContext, MethodImplSpec, ServiceImplSpec } from "@connectrpc/connect";
import type { Logger } from "pino";
import { AuthError } from "../core/errors.ts";
import type { Caller, Login, LoginRequest } from "../core/login.ts";
import { isDeviceKey } from "../core/login-fields.ts";
import type { VerifyToken, VerifyTokenFor } from "../core/tokens/tokens.ts";
import type { Metrics } from "./metrics.ts";

/** A caller with the properties of its log lines. */
export interface ObservedCaller extends Caller {
  readonly requestId: string;
  readonly protocol: string;
}

type LogIn<From> = (request: LoginRequest, caller: From) => Promise<Login>;

export interface Observer {
  /** Adds a log line and metrics for each login. */
  observeLogIn(logIn: LogIn<Caller>): LogIn<ObservedCaller>;
  /** Adds metrics for each token check. There is no log line, since every request to a service may check a token. */
  observeVerifyToken(verifyToken: VerifyToken): VerifyTokenFor<ObservedCaller>;
  /** Adds a log line for each call of a service. */
  observeCalls(service: ServiceImplSpec, callerOf: (context: HandlerContext) => ObservedCaller): ServiceImplSpec;
  /** Records an error that no handler threw, or an `internal` error. */
  refused(error: AuthError, caller: ObservedCaller): void;
  /** Records a bug that left a request without an answer. */
  fault(error: unknown): void;
  /** Records a refused connection: too many are open, or no file descriptor is left. */
  connectionRefused(): void;
  /** Records an uncaught error. The line has its stack alone: other properties may hold a request or a row. */
  uncaught(error: unknown): void;
}

/** Shortest time between two lines about unavailable token checks, in milliseconds. */
const UNAVAILABLE_LINE_MS = 1_000;
/** Shortest time between two lines about refused connections, in milliseconds. */
const CONNECTION_LINE_MS = 60_000;

export interface ObserverOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Called with the outcome of each login. */
  readonly onLogin: (outcome: string) => void;
  /** A monotonic clock, in milliseconds. */
  readonly elapsed: () => number;
}

/** Creates an observer. */
export function createObserver({ logger, metrics, onLogin, elapsed }: ObserverOptions): Observer {
  /** Errors of logins and token checks that are already counted. */
  const counted = new WeakSet<AuthError>();
  const mayLogUnavailable = createThrottle(UNAVAILABLE_LINE_MS, elapsed);
  const mayLogConnection = createThrottle(CONNECTION_LINE_MS, elapsed);

  /** Marks an error as counted, and logs its cause. */
  function markCounted(error: unknown, caller: ObservedCaller): void {
    if (!(error instanceof AuthError)) return;
    counted.add(error);
    if (error.reason !== "unavailable" || error.cause === undefined || !mayLogUnavailable()) return;
    logger.warn({ cause: messageOf(error.cause), ...describe(caller) }, "unavailable");
  }

  return {
    observeLogIn: (logIn) => async (request, caller) => {
      const started = elapsed();
      const record = (outcome: string, details: object): void => {
        const ms = elapsed() - started;
        metrics.logins.inc({ protocol: caller.protocol, outcome });
        metrics.loginSeconds.observe(ms / 1000);
        onLogin(outcome);
        logger.info({ outcome, ...details, ...describe(caller), ms: Math.round(ms * 100) / 100 }, "login");
      };
      try {
        const login = await logIn(request, caller);
        const { customerId: customer_id, keyId: key_id } = login;
        record("ok", { device_key: request.deviceKey, customer_id, key_id });
        return login;
      } catch (error) {
        const reason = reasonOf(error);
        const policy = error instanceof AuthError ? error.details.limit?.policy.name : undefined;
        record(reason, { device_key: deviceOf(request, reason), policy });
        markCounted(error, caller);
        throw error;
      }
    },

    observeVerifyToken: (verifyToken) => async (token, caller) => {
      const { protocol } = caller;
      try {
        const claims = await verifyToken(token);
        metrics.verifications.inc({ protocol, outcome: "ok" });
        return claims;
      } catch (error) {
        metrics.verifications.inc({ protocol, outcome: reasonOf(error) });
        markCounted(error, caller);
        throw error;
      }
    },

    observeCalls: (service, callerOf) =>
      wrapCalls(service, ({ method, impl }) => async (request, context) => {
        const log = (outcome: string): void =>
          logger.info({ call: method.name, outcome, ...describe(callerOf(context)) }, "call");
        try {
          const answer = await impl(request, context);
          log("ok");
          return answer;
        } catch (error) {
          log(reasonOf(error));
          throw error;
        }
      }),

    refused(error, caller) {
      if (counted.has(error)) return;
      metrics.requestErrors.inc({ protocol: caller.protocol, reason: error.reason });
      if (error.reason === "internal") {
        metrics.faults.inc();
        logger.error({ err: error.cause ?? error, ...describe(caller) }, "fault");
      } else logger.info({ outcome: error.reason, detail: error.message, ...describe(caller) }, "refused");
    },

    fault(error) {
      // The outage was logged when it began.
      if (error instanceof AuthError && error.reason === "unavailable") return;
      metrics.faults.inc();
      logger.error({ err: error }, "fault");
    },

    connectionRefused() {
      metrics.connectionsRefused.inc();
      if (!mayLogConnection()) return;
      logger.warn("connections are refused: see COUNTERSIGN_MAX_CONNECTIONS and the limit of open files");
    },

    uncaught(error) {
      metrics.faults.inc();
      logger.fatal({ stack: error instanceof Error ? error.stack : "the value is not an Error" }, "uncaught");
    },
  };
}

export type UnaryCall = Extract<MethodImplSpec, { readonly kind: "unary" }>;

/** Wraps the unary methods of a service. */
export function wrapCalls(service: ServiceImplSpec, wrap: (call: UnaryCall) => UnaryCall["impl"]): ServiceImplSpec {
  const methods = Object.entries(service.methods).map(([name, spec]): [string, MethodImplSpec] => [
    name,
    spec.kind === "unary" ? { ...spec, impl: wrap(spec) } : spec,
  ]);
  return { ...service, methods: Object.fromEntries(methods) };
}

/** Returns true at most once in `ms` milliseconds. */
export function createThrottle(ms: number, elapsed: () => number): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    if (elapsed() - last < ms) return false;
    last = elapsed();
    return true;
  };
}

function describe({ address, requestId, protocol }: ObservedCaller): object {
  return { protocol, address, request_id: requestId };
}

/** The reason of an error, for labels and log lines. */
export function reasonOf(error: unknown): string {
  return error instanceof AuthError ? error.reason : "internal";
}

/** The device_key for the log. A malformed request has none: its text may be anything. */
function deviceOf({ deviceKey }: LoginRequest, reason: string): string | undefined {
  // An overloaded gateway refuses a login before it checks the device_key.
  return reason !== "malformed" && reason !== "internal" && isDeviceKey(deviceKey) ? deviceKey : undefined;
}

/** The message of an error, for log lines. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}

// One log line and its counts for every answer. Knows the login's use-case, calls and their errors, and no transport.

import type { HandlerContext, MethodImplSpec, ServiceImplSpec } from "@connectrpc/connect";
import type { Logger } from "pino";
import { AuthError } from "../core/errors.ts";
import type { Caller, Login, LoginRequest } from "../core/login.ts";
import type { VerifyToken, VerifyTokenFor } from "../core/verify-token.ts";
import type { Metrics } from "./metrics.ts";

/** A caller, as a log line tells of it. */
export interface ObservedCaller extends Caller {
  readonly requestId: string;
  readonly protocol: string;
}

type LogIn<From> = (request: LoginRequest, caller: From) => Promise<Login>;

export interface Observer {
  /** The same use-case, observed: a line and a count for each login. */
  observeLogIn(logIn: LogIn<Caller>): LogIn<ObservedCaller>;
  /** The same use-case, observed: a count for each token, and no line, since every request to every service may have one checked. */
  observeVerifyToken(verifyToken: VerifyToken): VerifyTokenFor<ObservedCaller>;
  /** The same service, observed: a line for each call. */
  observeCalls(service: ServiceImplSpec, callerOf: (context: HandlerContext) => ObservedCaller): ServiceImplSpec;
  /** A request that no handler has seen was refused, or any was by a bug. */
  refused(error: AuthError, caller: ObservedCaller): void;
  /** An answer failed altogether. */
  fault(error: unknown): void;
  /** A connection was refused, since there are too many or no descriptor is left: a line a minute at most. */
  connectionRefused(): void;
  /** Nothing caught an error. The line has its stack alone: its properties may hold a request or a row. */
  uncaught(error: unknown): void;
}

/** The cause of `unavailable` is logged this often at most, in milliseconds: anyone can ask. */
const WARNED_MS = 1_000;
/** Refused connections are told of so often at most, in milliseconds. */
const REFUSED_MS = 60_000;

/** Observes into a log and metrics. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createObserver(logger: Logger, metrics: Metrics, elapsed: () => number): Observer {
  /** Counts a login. @returns the milliseconds that it took, for its line */
  function countLogin(outcome: string, { protocol }: ObservedCaller, started: number): number {
    const ms = elapsed() - started;
    metrics.logins.inc({ protocol, outcome });
    metrics.loginSeconds.observe(ms / 1000);
    return Math.round(ms * 100) / 100;
  }

  /** Callers are not told the cause. An outage without one was logged when it began. */
  function warnUnavailable(error: unknown, caller: ObservedCaller): void {
    if (!(error instanceof AuthError) || error.reason !== "unavailable" || error.cause === undefined) return;
    if (elapsed() - warnedAt < WARNED_MS) return;
    warnedAt = elapsed();
    logger.warn({ cause: messageOf(error.cause), ...describe(caller) }, "unavailable");
  }

  function observeCall(spec: MethodImplSpec, callerOf: (context: HandlerContext) => ObservedCaller): MethodImplSpec {
    if (spec.kind !== "unary") return spec;
    const call = spec.method.name;
    const observed: typeof spec = {
      ...spec,
      async impl(request, context) {
        try {
          const answer = await spec.impl(request, context);
          logger.info({ call, outcome: "ok", ...describe(callerOf(context)) }, "call");
          return answer;
        } catch (error) {
          logger.info({ call, outcome: reasonOf(error), ...describe(callerOf(context)) }, "call");
          throw error;
        }
      },
    };
    return observed;
  }

  /** What was counted where it was thrown: whoever tells the caller need not say it again. */
  const counted = new WeakSet<AuthError>();
  let warnedAt = Number.NEGATIVE_INFINITY;
  let refusedAt = Number.NEGATIVE_INFINITY;

  return {
    observeLogIn(logIn) {
      return async (request, caller) => {
        const started = elapsed();
        try {
          const login = await logIn(request, caller);
          const { customerId: customer_id, keyId: key_id } = login;
          const ms = countLogin("ok", caller, started);
          const { protocol, address, requestId: request_id } = caller;
          const device_key = request.deviceKey;
          logger.info({ outcome: "ok", device_key, customer_id, key_id, protocol, address, request_id, ms }, "login");
          return login;
        } catch (error) {
          const reason = reasonOf(error);
          const ms = countLogin(reason, caller, started);
          const facts = { ...deviceOf(request, reason), ...policyOf(error), ...describe(caller) };
          logger.info({ outcome: reason, ...facts, ms }, "login");
          warnUnavailable(error, caller);
          throw error;
        }
      };
    },

    observeVerifyToken(verifyToken) {
      return async (token, caller) => {
        const { protocol } = caller;
        try {
          const claims = await verifyToken(token);
          metrics.verifications.inc({ protocol, outcome: "ok" });
          return claims;
        } catch (error) {
          const outcome = reasonOf(error);
          metrics.verifications.inc({ protocol, outcome });
          if (error instanceof AuthError) counted.add(error);
          warnUnavailable(error, caller);
          throw error;
        }
      };
    },

    observeCalls: (service, callerOf) => ({
      ...service,
      methods: Object.fromEntries(
        Object.entries(service.methods).map(([name, spec]) => [name, observeCall(spec, callerOf)]),
      ),
    }),

    refused(error, caller) {
      if (counted.has(error)) return;
      metrics.refusals.inc({ protocol: caller.protocol, reason: error.reason });
      if (error.reason === "internal") {
        metrics.faults.inc();
        logger.error({ err: causeOf(error), ...describe(caller) }, "fault");
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
      if (elapsed() - refusedAt < REFUSED_MS) return;
      refusedAt = elapsed();
      logger.warn("connections are refused: see COUNTERSIGN_MAX_CONNECTIONS and the limit of open files");
    },

    uncaught(error) {
      metrics.faults.inc();
      logger.fatal({ stack: error instanceof Error ? error.stack : "the value is not an Error" }, "uncaught");
    },
  };
}

function describe({ address, requestId, protocol }: ObservedCaller): object {
  return { protocol, address, request_id: requestId };
}

function reasonOf(error: unknown): string {
  return error instanceof AuthError ? error.reason : "internal";
}

/** A malformed request may hold anything for a device_key: what a stranger wrote is logged only once it has that shape. */
function deviceOf({ deviceKey }: LoginRequest, reason: string): object {
  return reason === "malformed" || reason === "internal" ? {} : { device_key: deviceKey };
}

function policyOf(error: unknown): object {
  const limit = error instanceof AuthError ? error.particulars.limit : undefined;
  return limit === undefined ? {} : { policy: limit.policy.name };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : "unknown";
}

function causeOf(error: unknown): unknown {
  return error instanceof AuthError && error.cause !== undefined ? error.cause : error;
}

// One log line and its counts for every answer. Knows the login's use-case and its errors, and no transport.

import type { Logger } from "pino";
import { AuthError } from "../core/errors.ts";
import type { Caller, LogIn, LoginRequest } from "../core/login.ts";
import type { Metrics } from "./metrics.ts";

export interface Observer {
  /** The same use-case, observed. */
  observeLogIn(logIn: LogIn): LogIn;
  /** A request that no method has seen was refused. */
  refused(error: AuthError, caller: Caller): void;
  /** An answer failed altogether. */
  fault(error: unknown): void;
}

/** Observes into a log and metrics. `elapsed` gives milliseconds since any fixed instant, monotonic. */
export function createObserver(logger: Logger, metrics: Metrics, elapsed: () => number): Observer {
  function record(outcome: string, fields: object, caller: Caller, started: number): void {
    const ms = elapsed() - started;
    metrics.logins.inc({ protocol: caller.via, outcome });
    metrics.loginSeconds.observe(ms / 1000);
    logger.info({ outcome, ...fields, ...describe(caller), ms: Math.round(ms * 100) / 100 }, "login");
  }

  return {
    observeLogIn(logIn) {
      return async (request, caller) => {
        const started = elapsed();
        try {
          const login = await logIn(request, caller);
          record(
            "ok",
            { device_key: request.deviceKey, customer_id: login.customerId, key_id: login.keyId },
            caller,
            started,
          );
          return login;
        } catch (error) {
          const reason = error instanceof AuthError ? error.reason : "internal";
          record(reason, { ...deviceOf(request, reason), ...policyOf(error) }, caller, started);
          if (reason === "internal" || reason === "unavailable") logFault(logger, error, caller);
          throw error;
        }
      };
    },

    refused(error, caller) {
      metrics.refusals.inc({ protocol: caller.via, reason: error.reason });
      if (error.reason === "internal") logFault(logger, error, caller);
      else logger.info({ outcome: error.reason, detail: error.message, ...describe(caller) }, "refused");
    },

    fault(error) {
      logger.error({ err: error }, "fault");
    },
  };
}

function describe({ address, requestId, via }: Caller): object {
  return { protocol: via, address, request_id: requestId };
}

/** A malformed request may hold anything for a device_key: what a stranger wrote is logged only once it has that shape. */
function deviceOf({ deviceKey }: LoginRequest, reason: string): object {
  return reason === "malformed" || reason === "internal" ? {} : { device_key: deviceKey };
}

function policyOf(error: unknown): object {
  const limit = error instanceof AuthError ? error.particulars.limit : undefined;
  return limit === undefined ? {} : { policy: limit.policy.name };
}

function logFault(logger: Logger, error: unknown, caller: Caller): void {
  const cause = error instanceof AuthError && error.cause !== undefined ? error.cause : error;
  logger.error({ err: cause, ...describe(caller) }, "fault");
}

// AuthError: every reason why a call fails. Its form in each protocol is in protocols/errors.ts.

import type { LimitState } from "./ports.ts";

/** The closed set of reasons. CONTRIBUTING.md says how to add one. */
export type Reason =
  | "misdirected"
  | "not_found"
  | "method_not_allowed"
  | "unsupported_media_type"
  | "too_large"
  | "malformed"
  | "clock_skew"
  | "rate_limited"
  | "invalid_credentials"
  | "disabled"
  | "replayed"
  | "expired"
  | "invalid"
  | "revoked"
  | "unavailable"
  | "internal"
  | "invalid_admin_token"
  | "read_only"
  | "does_not_exist"
  | "already_exists"
  | "etag_mismatch"
  | "failed_precondition";

/** Details of an error; each applies to the reasons that its comment names. */
export interface ErrorDetails {
  /** malformed: the request field that is wrong, in the contract's spelling. */
  readonly field?: string;
  /** clock_skew: the gateway's time, in Unix seconds. */
  readonly serverTime?: number;
  /** rate_limited, invalid_credentials, disabled, replayed: the state of the policy that decided. */
  readonly limit?: LimitState | undefined;
  /** rate_limited, unavailable: the least wait before another try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** method_not_allowed: the allowed verbs. */
  readonly allow?: readonly string[];
  /** internal: names the log line that holds the cause. */
  readonly requestId?: string;
}

/**
 * An error that the caller sees. `message` is for a developer. It has none of `; / ? : @ & = + $ ,` and no number sign, which grpc-js
 * shows percent-encoded; a media type is the exception. It repeats nothing that the caller sent, except a misspelt name and its correction.
 */
export class AuthError extends Error {
  readonly reason: Reason;
  readonly details: ErrorDetails;

  constructor(reason: Reason, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    // The error is an answer, not a bug: capturing a stack costs more than the request.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = depth;
    this.name = "AuthError";
    this.reason = reason;
    this.details = details;
  }
}

/** Creates the error of a request that breaks the contract; `field` names the wrong field where there is one. */
export function malformed(message: string, field?: string): AuthError {
  return new AuthError("malformed", message, field === undefined ? {} : { field });
}

/** Wait before a retry when an operator or a restart has to repair something, in milliseconds. */
export const UNAVAILABLE_RETRY_MS = 5_000;

/** Creates the error of a gateway without a signing key. It is thrown before any limit is charged. */
export function unsigned(): AuthError {
  const message = "no key to sign tokens with. Try again later";
  return new AuthError("unavailable", message, { retryAfterMs: UNAVAILABLE_RETRY_MS });
}

/** Creates the error of a token that this gateway did not issue, or that was changed; `why` names the mistake. */
export function tokenInvalid(why: string): AuthError {
  return new AuthError("invalid", `the token is invalid because ${why}. The device has to log in again`);
}

/** Creates the error of a revoked token. */
export function tokenRevoked(why: string, cure = "The device has to log in again"): AuthError {
  return new AuthError("revoked", `the token was revoked because ${why}. ${cure}`);
}

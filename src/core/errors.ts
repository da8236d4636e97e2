// AuthError: the closed union of reasons a call is refused for. protocols/errors.ts turns it into each.

import type { LimitState } from "./ports.ts";

/** Every reason there is. CONTRIBUTING.md says what a new one needs. */
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

/** The details of a refusal; each applies to the reasons that its comment names. */
export interface ErrorDetails {
  /** malformed: the request field that is wrong, in the contract's spelling. */
  readonly field?: string;
  /** clock_skew: the gateway's time, in unix seconds. */
  readonly serverTime?: number;
  /** rate_limited, invalid_credentials, disabled, replayed: the state of the policy that decided. */
  readonly limit?: LimitState | undefined;
  /** rate_limited, unavailable: the least wait before another try, in milliseconds. */
  readonly retryAfterMs?: number;
  /** method_not_allowed: the verbs that are. */
  readonly allow?: readonly string[];
  /** internal: names the log line that holds the cause. */
  readonly requestId?: string;
}

/**
 * A refusal. `message` is for a developer and free of `; / ? : @ & = + $ ,` and the number sign, which grpc-js would
 * show percent-encoded, but for a media type; of what the caller sent it repeats at most a name that is all but a known one, and that.
 */
export class AuthError extends Error {
  readonly reason: Reason;
  readonly details: ErrorDetails;

  constructor(reason: Reason, message: string, details: ErrorDetails = {}, options?: ErrorOptions) {
    // A refusal is an answer, not a fault: capturing a stack would cost more than the request that provoked it.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = depth;
    this.name = "AuthError";
    this.reason = reason;
    this.details = details;
  }
}

/** A request that is not what the contract asks for; `field` names the culprit where there is one. */
export function malformed(message: string, field?: string): AuthError {
  return new AuthError("malformed", message, field === undefined ? {} : { field });
}

/** How long to wait for what an operator or a restart repairs, in milliseconds. */
export const UNAVAILABLE_RETRY_MS = 5_000;

/** There is no key to sign a token with: told before anything is charged. */
export function unsigned(): AuthError {
  const message = "no key to sign tokens with. Try again later";
  return new AuthError("unavailable", message, { retryAfterMs: UNAVAILABLE_RETRY_MS });
}

/** A token that this gateway has not issued as it is, and why: what of it is wrong. */
export function tokenInvalid(why: string): AuthError {
  return new AuthError("invalid", `this is no token of this gateway because ${why}. The device has to log in again`);
}

/** A token that was taken back before its time was over, why, and what helps. */
export function tokenRevoked(why: string, cure = "The device has to log in again"): AuthError {
  return new AuthError("revoked", `the token was revoked because ${why}. ${cure}`);
}

// VerifyError and its closed set of reasons.

/**
 * - `missing`: no token was sent
 * - `expired`: the token was valid and has expired
 * - `invalid`: the token is not of this issuer and audience, or is not valid yet
 * - `unavailable`: the issuer's keys could not be fetched
 */
export type VerifyReason = "expired" | "invalid" | "missing" | "unavailable";

/**
 * Why a token was refused. `message` is for the sender: it names the mistake and the cure, repeats nothing of the token, and has no
 * character that grpc-js percent-encodes. `cause` is for the service's log: it names the expected issuer or audience.
 */
export class VerifyError extends Error {
  readonly reason: VerifyReason;
  /** `unavailable`: the least wait before another try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(
    reason: VerifyReason,
    message: string,
    { retryAfterMs, ...options }: { readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    // Capturing a stack would cost more than the token that caused the error.
    const depth = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    super(message, options);
    Error.stackTraceLimit = depth;
    this.name = "VerifyError";
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
  }
}

export function tokenMissing(): VerifyError {
  return new VerifyError("missing", "no token was sent. Log in and send the token in the header x-access-token");
}

export function tokenExpired(): VerifyError {
  return new VerifyError("expired", "the token has expired. Log in again for a new one");
}

/** `why` is the end of a sentence after "because". */
export function tokenInvalid(why: string, cause?: unknown): VerifyError {
  const options = cause === undefined ? {} : { cause };
  return new VerifyError(
    "invalid",
    `the token is not valid here because ${why}. Log in again and send the new token as it came`,
    options,
  );
}

/** A `retryAfterMs` under 1 becomes 1. */
export function keysUnavailable(retryAfterMs: number, cause: unknown): VerifyError {
  return new VerifyError(
    "unavailable",
    "the token cannot be checked now because the keys of its issuer cannot be fetched. Try again later",
    { retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)), cause },
  );
}

// VerifyError: the closed union of reasons a token is refused for.

/**
 * - `missing`: there was no token
 * - `expired`: it was good, and its time is over
 * - `invalid`: it is none of the issuer's for this audience, or is not good yet
 * - `unavailable`: it cannot be told, since the issuer's keys cannot be had
 */
export type VerifyReason = "expired" | "invalid" | "missing" | "unavailable";

/**
 * Why a token was refused. `message` is for whoever sent it: it names the mistake and the cure, repeats nothing of the token, and is
 * free of what grpc-js percent-encodes. `cause` is for the service's own log: of another issuer or audience it says which is expected.
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
    // A refusal is an answer, not a fault: a stack would cost more than the token that provoked it.
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

/** `why` follows a because: what of the token is wrong. */
export function tokenInvalid(why: string, cause?: unknown): VerifyError {
  const options = cause === undefined ? {} : { cause };
  return new VerifyError(
    "invalid",
    `the token is not valid here because ${why}. Log in again and send the new token as it came`,
    options,
  );
}

/** `retryAfterMs`: a wait that is over already counts as the shortest there is. */
export function keysUnavailable(retryAfterMs: number, cause: unknown): VerifyError {
  return new VerifyError(
    "unavailable",
    "the token cannot be checked now because the keys of its issuer cannot be had. Try again later",
    { retryAfterMs: Math.max(1, Math.ceil(retryAfterMs)), cause },
  );
}

// The refusals of a login: their reasons and words.

import { AuthError } from "./errors.ts";
import type { LimitState, PolicyName } from "./ports.ts";

const UNAVAILABLE_RETRY_MS = 5_000;

/** A limit is spent; the wait is until its next slot. */
export function rateLimited(limit: LimitState): AuthError {
  return new AuthError("rate_limited", RATE_LIMITED[limit.policy.name], { limit, retryAfterMs: limit.resetMs });
}

const RATE_LIMITED = {
  login:
    "too many logins of this device in this time frame. Keep the token for as long as it lives and wait for the seconds of retry-after",
  failure:
    "too many wrong signatures for this device from this address in this time frame. Check the customer key and wait for the seconds of retry-after",
  address:
    "too many refused logins from this address in this time frame. Check the customer keys and wait for the seconds of retry-after",
  replay: "this proof was used before. Sign again with the current time",
} satisfies Record<PolicyName, string>;

/** An unknown device or a wrong signature: one answer, that does not tell which. */
export function invalidCredentials(limit: LimitState | undefined, field: ProofField = "device_signature"): AuthError {
  return new AuthError("invalid_credentials", UNPROVEN[field], { ...(limit && { limit }) });
}

/** The field of a request that has the proof. */
export type ProofField = "device_signature" | "client_assertion";

const UNPROVEN = {
  device_signature: "device_key is unknown or device_signature is not made with its customer key",
  client_assertion: "sub is an unknown device or client_assertion is not signed with its key",
} satisfies Record<ProofField, string>;

/** A right proof of a device that may not log in. */
export function disabled(limit: LimitState | undefined): AuthError {
  return new AuthError("disabled", "this device or its customer is disabled. Ask the operator", {
    ...(limit && { limit }),
  });
}

/** A right proof that was used before. */
export function replayed(limit: LimitState | undefined, field: ProofField = "device_signature"): AuthError {
  const message =
    field === "client_assertion" ? "this jti was used before. Make a new one for each login" : RATE_LIMITED.replay;
  return new AuthError("replayed", message, { ...(limit && { limit }) });
}

/** There is no key to sign a token with: told before anything is charged. */
export function unsigned(): AuthError {
  return new AuthError("unavailable", "no key to sign tokens with. Try again later", {
    retryAfterMs: UNAVAILABLE_RETRY_MS,
  });
}

/** A token's time is over. */
export function tokenExpired(): AuthError {
  return new AuthError("expired", "the token has expired. The device has to log in again");
}

/** A token that this gateway has not issued as it is, and why: what of it is wrong. */
export function tokenInvalid(why: string): AuthError {
  return new AuthError("invalid", `this is no token of this gateway because ${why}. The device has to log in again`);
}

/** A token that was taken back before its time was over, why, and what helps. */
export function tokenRevoked(why: string, cure = "The device has to log in again"): AuthError {
  return new AuthError("revoked", `the token was revoked because ${why}. ${cure}`);
}

/** Nothing decides the limits now. */
export function limitsUnavailable(cause: unknown): AuthError {
  const details = { retryAfterMs: UNAVAILABLE_RETRY_MS };
  return new AuthError("unavailable", "the limits cannot be checked now. Try again later", details, { cause });
}

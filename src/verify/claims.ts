// An identity, read from the claims of a token. Knows the claims of the contract, and no signature.

import { tokenExpired, tokenInvalid } from "./errors.ts";
import type { Identity } from "./identity.ts";
import { memberOf } from "./strict-json.ts";

export interface Expected {
  readonly issuer: string;
  readonly audience: string;
  readonly clockToleranceMs: number;
}

/** A clock that issues is never right to the second either; one that is further ahead is a mistake. */
const ISSUED_AHEAD_MS = 300_000;

/** Ten digits of seconds: the year 2286. */
const MAX_SECONDS = 9_999_999_999;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;
const MAX_DEVICE_KEY = 96;
/** Longer than any name the gateway makes. */
const MAX_NAME = 256;

/**
 * Reads claims (RFC 7519, 4.1); `now` in unix milliseconds. `iss` and `aud` are each the one string that is expected.
 * @throws VerifyError `expired` for what has no other fault, `invalid`
 */
export function readIdentity(claims: object, { issuer, audience, clockToleranceMs }: Expected, now: number): Identity {
  if (memberOf(claims, "iss") !== issuer) throw unexpected("issuer", "iss", issuer);
  if (memberOf(claims, "aud") !== audience) throw unexpected("audience", "aud", audience);
  const identity = {
    deviceKey: readName(claims, "sub", MAX_DEVICE_KEY),
    customerId: readName(claims, "customer_id", MAX_NAME),
    jti: readName(claims, "jti", MAX_NAME),
    issuedAt: readTime(claims, "iat"),
    expiresAt: readTime(claims, "exp"),
  };
  const issuedAt = identity.issuedAt.getTime();
  const expiresAt = identity.expiresAt.getTime();
  const notBefore = Object.hasOwn(claims, "nbf") ? readTime(claims, "nbf").getTime() : 0;
  if (expiresAt <= issuedAt) throw tokenInvalid("it expires before it was issued");
  if (notBefore > now + clockToleranceMs || issuedAt > now + Math.max(clockToleranceMs, ISSUED_AHEAD_MS)) {
    throw tokenInvalid("it is not good yet by the clock of this service");
  }
  if (expiresAt <= now - clockToleranceMs) throw tokenExpired();
  return Object.freeze(identity);
}

/** What is expected is for the service's own log: nearly always it is a setting that is wrong, of the service or of the gateway. */
function unexpected(what: string, claim: string, expected: string): Error {
  const cause = new Error(`this service expects ${claim} to be ${JSON.stringify(expected)}`);
  return tokenInvalid(`its ${what} is not the one that this service expects`, cause);
}

function readName(claims: object, name: string, maxLength: number): string {
  const value = memberOf(claims, name);
  if (typeof value !== "string" || value.length > maxLength || !VISIBLE_ASCII.test(value)) throw wrong(name);
  return value;
}

function readTime(claims: object, name: string): Date {
  const seconds = memberOf(claims, name);
  if (typeof seconds !== "number" || !Number.isInteger(seconds) || seconds < 0 || seconds > MAX_SECONDS) {
    throw wrong(name);
  }
  return new Date(seconds * 1000);
}

function wrong(name: string): Error {
  return tokenInvalid(`its claim ${name} is missing or of another shape`);
}

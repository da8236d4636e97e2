// Verifies the gateway's tokens in a service, offline, by jose. Works in every runtime with fetch.

import { errors, type JWTPayload, jwtVerify } from "jose";
import { systemClock } from "./clock.ts";
import { tokenExpired, tokenInvalid, tokenMissing, VerifyError } from "./errors.ts";
import { createIssuerKeys } from "./issuer-keys.ts";
import { readOptions, type VerifierOptions } from "./options.ts";

/** The device that a token names. */
export interface Identity {
  /** Names the device: 1 to 96 visible ASCII characters. */
  readonly deviceKey: string;
  /** The owner of the device. */
  readonly customerId: string;
  /** Names the token. */
  readonly jti: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export interface Verifier {
  /**
   * Checks a token. Fetches the issuer's keys every five minutes, and nothing else.
   * @throws VerifyError, and nothing else
   */
  verify(token: string | null | undefined): Promise<Identity>;
}

/** Ten times the longest token of the gateway. */
const MAX_TOKEN_LENGTH = 8_192;
/** The gateway's two types (its setting TOKEN_TYPE), in any of their spellings (RFC 7515, 4.1.9). */
const TYPE = /^(?:application\/)?(?:at\+)?jwt$/i;
/** An `iat` further ahead than this is refused. */
const ISSUED_AHEAD_MS = 300_000;
/** Longest accepted life: the gateway's longest TOKEN_TTL. */
const LONGEST_LIFE_MS = 86_400_000;

/**
 * Creates a verifier of one issuer's tokens for one audience. Make one for the whole process: it caches the keys.
 * @throws TypeError naming the wrong option
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { url, maxStaleMs, issuer, audience, clockToleranceMs } = readOptions(options);
  const { fetch = globalThis.fetch, now = systemClock, onFetchError = () => {} } = options;
  const keys = createIssuerKeys({
    url,
    maxStaleMs,
    fetch,
    now,
    // A failing log must not end the service.
    onFetchError: (error) =>
      void Promise.resolve(error)
        .then(onFetchError)
        .catch(() => {}),
  });

  return {
    async verify(token) {
      if (token === undefined || token === null || token === "") throw tokenMissing();
      if (typeof token !== "string") throw tokenInvalid("it is not a string");
      if (token.length > MAX_TOKEN_LENGTH) throw tokenInvalid(`it has more than ${MAX_TOKEN_LENGTH} characters`);
      try {
        const { payload, protectedHeader } = await jwtVerify(token, keys, {
          issuer,
          audience,
          algorithms: ["RS256", "ES256", "EdDSA"],
          clockTolerance: clockToleranceMs / 1000,
          currentDate: new Date(now()),
          requiredClaims: ["exp", "iat"],
        });
        const { typ }: { readonly typ?: unknown } = protectedHeader;
        if (typeof typ !== "string" || !TYPE.test(typ)) throw wrongClaim("typ");
        return readIdentity(payload, now());
      } catch (error) {
        throw verifyErrorOf(error, { iss: issuer, aud: audience });
      }
    },
  };
}

function readIdentity(claims: JWTPayload, now: number): Identity {
  const issuedAt = readTime(claims, "iat");
  const expiresAt = readTime(claims, "exp");
  if (issuedAt.getTime() > now + ISSUED_AHEAD_MS) throw tokenInvalid("its iat is ahead of the clock of this service");
  const lifeMs = expiresAt.getTime() - issuedAt.getTime();
  if (!(lifeMs > 0 && lifeMs <= LONGEST_LIFE_MS)) throw tokenInvalid("its exp is not within a day of its iat");
  return Object.freeze({
    deviceKey: readName(claims, "sub"),
    customerId: readName(claims, "customer_id"),
    jti: readName(claims, "jti"),
    issuedAt,
    expiresAt,
  });
}

function readTime(claims: JWTPayload, name: "iat" | "exp"): Date {
  const seconds = claims[name];
  if (!Number.isInteger(seconds)) throw wrongClaim(name);
  return new Date(Number(seconds) * 1000);
}

function readName(claims: JWTPayload, name: string): string {
  const value = claims[name];
  if (typeof value !== "string" || !/^[\x21-\x7e]{1,96}$/.test(value)) throw wrongClaim(name);
  return value;
}

function wrongClaim(name: string, cause?: unknown): VerifyError {
  return tokenInvalid(`its claim ${name} is missing or wrong`, cause);
}

/** The error of a failed check; `expected` goes into the cause, for the service's own log. */
function verifyErrorOf(error: unknown, expected: Readonly<Record<string, string>>): VerifyError {
  if (error instanceof VerifyError) return error;
  if (error instanceof errors.JWTExpired) return tokenExpired();
  if (error instanceof errors.JWSInvalid)
    return tokenInvalid("it is not three parts of base64url with dots between them", error);
  if (error instanceof errors.JWKSNoMatchingKey) return tokenInvalid("its issuer has no such key", error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return tokenInvalid("its signature is wrong", error);
  if (!(error instanceof errors.JWTClaimValidationFailed))
    return tokenInvalid("it is not a token of this issuer", error);
  const value = expected[error.claim];
  if (value === undefined) return wrongClaim(error.claim, error);
  return wrongClaim(error.claim, new Error(`this service expects ${error.claim} to be ${JSON.stringify(value)}`));
}

// Signs and checks this gateway's own tokens. The signature is checked by jose, with bounds of our own.

import type { KeyObject } from "node:crypto";
import { errors, type JWTPayload, jwtVerify } from "jose";
import { AuthError, malformed, tokenInvalid, tokenRevoked, unsigned } from "../errors.ts";
import {
  CLOCKS_APART_MS,
  type CredentialStore,
  LONGEST_TOKEN_LIFE_MS,
  type Standing,
  type TokenClaims,
  type TokenSigner,
  type TokenSubject,
} from "../ports.ts";
import { epochOf, nameToken, readEpoch } from "../registry/revocation.ts";
import { isTokenType, TOKEN_ALGS, type TokenType } from "./algorithms.ts";
import type { KeyRing } from "./keyring.ts";

export interface SignerOptions {
  readonly ring: Pick<KeyRing, "active" | "confirm">;
  /** Called at each signature: with --dev the issuer is known only once the listener is open. */
  readonly issuer: () => string;
  readonly audience: string;
  /** By default `JWT`. */
  readonly type?: TokenType;
  readonly ttlSeconds: number;
}

/** A signer of JWTs (RFC 7519) with the claims of the contract. */
export function createTokenSigner(options: SignerOptions): TokenSigner {
  const { ring, issuer, audience, type = "JWT", ttlSeconds } = options;

  function signNow({ deviceKey, customerId, marks }: TokenSubject, now: number): Promise<string> {
    const key = ring.active();
    if (key === undefined) return Promise.reject(unsigned());
    const iat = Math.floor(now / 1000);
    const claims = {
      iss: issuer(),
      sub: deviceKey,
      aud: audience,
      iat,
      exp: iat + ttlSeconds,
      jti: nameToken(epochOf(marks)),
      customer_id: customerId,
    };
    // RFC 9068, 2.2 requires client_id too: a device is its own client.
    return key.signClaims(type === "JWT" ? claims : { ...claims, client_id: deviceKey }, type);
  }

  return {
    expiresInSeconds: ttlSeconds,
    ready: () => ring.active() !== undefined,
    sign(subject, now) {
      const confirmed = ring.confirm();
      // The active key is nearly always up to date: then nothing waits.
      return confirmed === undefined ? signNow(subject, now) : confirmed.then(() => signNow(subject, now));
    },
  };
}

/** Ten times the longest token of this gateway. */
const MAX_TOKEN_LENGTH = 8_192;

/** Creates a verifier (RFC 8725). `issuer` is called at each token: with --dev the listener's address is the issuer. */
export function createTokenVerifier(
  issuer: () => string,
  audience: string,
  ring: Pick<KeyRing, "find" | "confirm">,
): (token: string, now: number) => Promise<TokenClaims> {
  function keyOf(kid: string | undefined): KeyObject {
    const key = kid === undefined ? undefined : ring.find(kid);
    if (key === undefined) throw tokenInvalid("no key of this gateway signed it");
    if (key === "revoked") throw tokenRevoked("the key that signed it was revoked");
    return key;
  }

  return async function verifyToken(token, now) {
    if (token.length > MAX_TOKEN_LENGTH) throw tokenInvalid(`it has more than ${MAX_TOKEN_LENGTH} characters`);
    const getKey = async ({ kid }: { readonly kid?: string }): Promise<KeyObject> => {
      // A new key may be missing in an old cache.
      if (kid !== undefined && ring.find(kid) === undefined) await ring.confirm();
      return keyOf(kid);
    };
    const { payload: claims, protectedHeader } = await jwtVerify(token, getKey, {
      issuer: issuer(),
      audience,
      algorithms: [...TOKEN_ALGS],
      currentDate: new Date(now),
      requiredClaims: ["exp", "iat"],
    }).catch(reject);
    if (!isTokenType(protectedHeader.typ)) throw tokenInvalid("its typ is wrong");
    const { iat = 0, exp = 0 } = claims;
    if (!(iat * 1000 <= now + CLOCKS_APART_MS)) throw tokenInvalid("its iat is ahead of the clock");
    const lifeMs = (exp - iat) * 1000;
    if (!(lifeMs > 0 && lifeMs <= LONGEST_TOKEN_LIFE_MS)) throw tokenInvalid("its exp is too far from its iat");
    const identity = {
      deviceKey: readName(claims, "sub"),
      customerId: readName(claims, "customer_id"),
      jti: readName(claims, "jti"),
      issuedAt: iat,
      expiresAt: exp,
    };
    // The key may have been revoked meanwhile. Only a valid token costs a read.
    const confirmed = ring.confirm();
    if (confirmed !== undefined) {
      await confirmed;
      keyOf(protectedHeader.kid);
    }
    return identity;
  };
}

function readName(claims: JWTPayload, name: string): string {
  const value = claims[name];
  if (typeof value === "string" && /^[\x21-\x7e]{1,96}$/.test(value)) return value;
  throw tokenInvalid(`its claim ${name} is missing or of another shape`);
}

/** Converts an error of jose. @throws AuthError */
function reject(error: unknown): never {
  if (error instanceof AuthError) throw error;
  if (error instanceof errors.JWTExpired) {
    throw new AuthError("expired", "the token has expired. The device has to log in again");
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) throw tokenInvalid("its signature is wrong");
  if (error instanceof errors.JWTClaimValidationFailed) throw tokenInvalid(`its ${error.claim} is wrong`);
  throw tokenInvalid("it is not a signed JWT that this gateway accepts");
}

/**
 * The use-case: checks a token. @throws AuthError `malformed` for an empty token; `expired`; `invalid`, also for a missing
 * token; `revoked`; `unavailable`
 */
export type VerifyToken = (token: string | undefined) => Promise<TokenClaims>;

/** VerifyToken with the caller, whom the observers log. */
export type VerifyTokenFor<From> = (token: string | undefined, caller: From) => Promise<TokenClaims>;

/** Builds the use-case over a verifier and its ports. `clock` in Unix milliseconds. */
export function createVerifyToken(
  verify: (token: string, now: number) => Promise<TokenClaims>,
  credentials: Pick<CredentialStore, "findStanding">,
  clock: () => number,
): VerifyToken {
  return async function verifyToken(token) {
    const now = clock();
    if (token === "") throw malformed("token is missing", "token");
    if (token === undefined) throw tokenInvalid("the header x-access-token is missing");

    // 1. Signed by this gateway, with valid claims: a forged token costs no look-up.
    const claims = await verify(token, now);

    // 2. Not revoked, and its device and customer enabled: one read.
    requireValid(await credentials.findStanding(claims.deviceKey, claims.jti), claims);
    return claims;
  };
}

/** @throws AuthError `revoked` */
function requireValid({ enrolled, enabled, marks, isRevoked }: Standing, { customerId, jti }: TokenClaims): void {
  // "Log in again" would make a deleted device retry for ever.
  if (!enrolled) throw tokenRevoked("its device was deleted", "The device is let in once its operator enrols it");
  if (marks.customerId !== customerId) throw tokenRevoked("its device was deleted and another has its name");
  if (!enabled) {
    throw tokenRevoked("its device or the customer was disabled", "The device is let in once its operator enables it");
  }
  if (isRevoked || readEpoch(jti) !== epochOf(marks)) throw tokenRevoked("an operator revoked it");
}

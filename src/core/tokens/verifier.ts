// Tells whether a token is one that a key of the ring has signed, and still good by its own claims. Knows no device.

import type { AuthError } from "../errors.ts";
import { CLOCKS_APART_MS, LONGEST_TOKEN_LIFE_MS, type TokenClaims, type TokenVerifier } from "../ports.ts";
import { tokenExpired, tokenInvalid, tokenRevoked } from "../refusals.ts";
import { createSpaced } from "../shared-call.ts";
import { ALGORITHMS } from "./algorithms.ts";
import { encodeHeader } from "./jws.ts";
import type { VerifyingKey } from "./key-material.ts";
import type { KeyRing } from "./keyring.ts";

/** Ten times what the longest token of this gateway has: what is longer is not read at all. */
export const MAX_TOKEN_LENGTH = 8_192;

export interface TokenVerifierOptions {
  /** Asked at each token: with --dev it is known only once the listener is. */
  readonly issuer: () => string;
  readonly audience: string;
  readonly ring: Pick<KeyRing, "find" | "confirm" | "refresh">;
}

/** The store is asked for a kid that is not known so often at most, in milliseconds, whoever makes names up. */
const ASK_EVERY_MS = 100;

/**
 * A verifier of this gateway's own tokens (RFC 8725). They have one form, that in which its signer writes them, and no other is
 * accepted, though it may mean the same: so no member comes twice, and none is followed or ignored.
 */
export function createTokenVerifier({ issuer, audience, ring }: TokenVerifierOptions): TokenVerifier {
  const headers = new WeakMap<VerifyingKey, string>();

  /** The one header that tokens of a key have: it fixes the algorithm (3.1) and the type (3.11), and names no other key (3.10). */
  function headerOf(key: VerifyingKey): string {
    const known = headers.get(key);
    if (known !== undefined) return known;
    const header = encodeHeader(key.alg, key.kid);
    headers.set(key, header);
    return header;
  }

  /** A kid that the ring does not know may be a moment old: the store is asked, once for all who wait, and no more often than that. */
  const askAnew = createSpaced(() => ring.refresh(), ASK_EVERY_MS);

  function keyOf(kid: string): VerifyingKey {
    const key = ring.find(kid);
    if (key === undefined) throw tokenInvalid("it was signed by no key of this gateway");
    if (key === "revoked") throw tokenRevoked("the key that signed it was revoked");
    return key;
  }

  return {
    async verify(token, now) {
      // 1. Read.
      const { header, claims: encoded, signature } = split(token);
      // 2. Signed, by a key that is known, in the way that the key has.
      const kid = kidOf(header);
      if (ring.find(kid) === undefined) await askAnew();
      const key = keyOf(kid);
      if (header !== headerOf(key)) throw tokenInvalid("its header is not what this gateway writes");
      const text = Buffer.from(token.slice(0, header.length + 1 + encoded.length), "latin1");
      if (!ALGORITHMS[key.alg].verify(text, key.publicKey, decode(signature)))
        throw tokenInvalid("its signature is wrong");
      // 3. Meant for this, and now.
      const { iss, aud, exp, iat, nbf, ...claims } = readClaims(encoded);
      if (iss !== issuer()) throw tokenInvalid("its issuer is another");
      if (aud !== audience) throw tokenInvalid("its audience is another");
      if (nbf !== undefined || iat * 1000 > now + CLOCKS_APART_MS) throw tokenInvalid("it is not good yet");
      if (exp <= iat || (exp - iat) * 1000 > LONGEST_TOKEN_LIFE_MS) throw tokenInvalid("it lives longer than any");
      if (exp * 1000 <= now) throw tokenExpired();
      // 4. By a key that is still trusted. What is wrong anyway needs no store to be told so.
      const confirmed = ring.confirm();
      if (confirmed !== undefined) await confirmed;
      keyOf(kid);
      return { ...claims, issuedAt: iat, expiresAt: exp };
    },
  };
}

interface Parts {
  readonly header: string;
  readonly claims: string;
  readonly signature: string;
}

const COMPACT = /^([\w-]+)\.([\w-]+)\.([\w-]+)$/;

function split(token: string): Parts {
  if (token.length > MAX_TOKEN_LENGTH) throw tokenInvalid(`it has more than ${MAX_TOKEN_LENGTH} characters`);
  const [, header, claims, signature] = COMPACT.exec(token) ?? [];
  if (header === undefined || claims === undefined || signature === undefined) {
    throw tokenInvalid("it is not three parts of base64url with dots between them");
  }
  return { header, claims, signature };
}

/** @throws AuthError `invalid` for what encodes the same bytes in another way (RFC 4648, 3.5) */
function decode(part: string): Buffer {
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part)
    throw tokenInvalid("a part of it is not base64url as this gateway writes it");
  return bytes;
}

/** Whether the header is right is seen once the key is known: here it only says which. */
function kidOf(header: string): string {
  const kid = memberOf(readObject(decode(header)), "kid");
  if (typeof kid !== "string") throw tokenInvalid("its header names no key");
  return kid;
}

const ANY = /./;
/** What names a device, a customer or a token: visible ASCII. */
const NAME = /^[\x21-\x7e]{1,96}$/;

type Claims = Omit<TokenClaims, "issuedAt" | "expiresAt"> & {
  readonly iss: string;
  readonly aud: string;
  readonly exp: number;
  readonly iat: number;
  readonly nbf: unknown;
};

function readClaims(encoded: string): Claims {
  const bytes = decode(encoded);
  const claims = readObject(bytes);
  // A member that comes twice, or a number written in another way: what one reader takes for it another may not.
  if (!Buffer.from(JSON.stringify(claims)).equals(bytes))
    throw tokenInvalid("its claims are not what this gateway writes");
  const text = (name: string, shape: RegExp): string => {
    const value = memberOf(claims, name);
    if (typeof value !== "string" || !shape.test(value)) throw missing(name);
    return value;
  };
  const seconds = (name: string): number => {
    const value = memberOf(claims, name);
    if (typeof value !== "number" || !Number.isSafeInteger(value)) throw missing(name);
    return value;
  };
  return {
    iss: text("iss", ANY),
    deviceKey: text("sub", NAME),
    aud: text("aud", ANY),
    iat: seconds("iat"),
    exp: seconds("exp"),
    nbf: memberOf(claims, "nbf"),
    jti: text("jti", NAME),
    customerId: text("customer_id", NAME),
  };
}

function missing(name: string): AuthError {
  return tokenInvalid(`its claim ${name} is missing or of another type`);
}

function readObject(bytes: Buffer): object {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === "object" && value !== null) return value;
  } catch {
    // As below: what a stranger sent is not repeated.
  }
  throw tokenInvalid("a part of it is not JSON");
}

function memberOf(value: object, name: string): unknown {
  return Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

// Client assertions that devices log in with (RFC 7523, section 3).

import { createHmac, createPublicKey, hash, type KeyObject, timingSafeEqual, verify } from "node:crypto";
import { type AuthError, malformed } from "./errors.ts";
import { checkFresh, readDeviceKey } from "./login-fields.ts";
import type { Credential } from "./ports.ts";
import { type Decoys, findHmacKey, type ProvingKey } from "./signature.ts";

/** The algorithms of assertions. Ed25519 is another name of EdDSA over Ed25519 (RFC 9864). */
export const ASSERTION_ALGS = ["HS256", "ES256", "EdDSA", "Ed25519"] as const;

/** The algorithms that a board signs assertions with (RFC 7518, 3.4; RFC 8037, 3.1). */
export type AssertionAlg = "ES256" | "EdDSA";

/** A well-formed assertion. Its signature is not checked yet. */
export interface Assertion {
  readonly alg: "HS256" | AssertionAlg;
  /** iss and sub, which are equal. */
  readonly deviceKey: string;
  readonly jti: string;
  /** Unix seconds. */
  readonly expiresAt: number;
  /** iat and nbf, in Unix seconds. */
  readonly issuedAt: number | undefined;
  readonly notBefore: number | undefined;
  readonly signed: string;
  readonly signature: Buffer;
}

/** The longest lifetime of an assertion, in seconds. */
export const LONGEST_ASSERTION_S = 300;

const FIELD = "client_assertion";
const MAX_JTI = 255;
/** The typ of client assertions, and of any JWT (RFC 7515, 4.1.9). */
const TYPE = /^(?:application\/)?(?:client-authentication\+)?jwt$/i;
const BASE64URL = /^[\w-]+$/;

/** The shortest secret for HS256, in bytes (RFC 7518, 3.2). */
export const LEAST_SECRET = 32;

/**
 * Reads an assertion.
 * @param audiences the names of this gateway: its issuer and its token endpoint
 * @throws AuthError `malformed`, naming the mistake
 */
export function readAssertion(text: string, audiences: readonly string[]): Assertion {
  if (text === "") throw wrong("is missing or empty");
  const parts = text.split(".");
  if (parts.length === 5) throw wrong("is encrypted. Send a signed JWT");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3 || !parts.every((part, at) => BASE64URL.test(part) || (at === 2 && part === ""))) {
    throw wrong("is not three parts of base64url with dots between them");
  }
  const alg = readHeader(readJson(head, "a header"));
  const claims = readJson(body, "claims");
  const { iss, sub, aud, jti, exp } = claims;
  if (typeof sub !== "string") throw wrong("has no sub. Set iss and sub to the device_key");
  const deviceKey = readDeviceKey(sub);
  if (iss !== deviceKey) throw wrong("has an iss that differs from its sub. Set both to the device_key");
  const named = Array.isArray(aud) ? aud : [aud];
  if (named.length === 0 || !named.every((one) => audiences.includes(one))) {
    throw wrong("has an aud that is not this gateway. Set it to the issuer of the gateway's metadata");
  }
  if (typeof jti !== "string" || jti === "" || jti.length > MAX_JTI) {
    throw wrong(`has no jti of 1 to ${MAX_JTI} characters. Make a new one for each login`);
  }
  if (exp === undefined) throw wrong("has no exp. Let it expire a minute after it is made");
  const expiresAt = readTime(exp);
  const [issuedAt, notBefore] = [claims["iat"], claims["nbf"]].map((time) =>
    time === undefined ? time : readTime(time),
  );
  const signed = `${head}.${body}`;
  return { alg, deviceKey, jti, expiresAt, issuedAt, notBefore, signed, signature: fromBase64(signature) };
}

function wrong(what: string): AuthError {
  return malformed(`client_assertion ${what}`, FIELD);
}

/** Reads the header. @throws AuthError `malformed`, also for a member that changes how the rest is read (RFC 8725, 3.10) */
function readHeader({ alg, typ, crit, zip, cty }: Readonly<Record<string, unknown>>): Assertion["alg"] {
  if (alg === "none") throw wrong("is unsigned. Sign it by HS256 with the customer_key");
  const known = ASSERTION_ALGS.find((name) => name === alg);
  if (known === undefined) throw wrong(`has an alg that is not one of ${ASSERTION_ALGS.join(" ")}`);
  if (typ !== undefined && (typeof typ !== "string" || !TYPE.test(typ))) {
    throw wrong("has an unknown typ. Leave it out or set JWT");
  }
  if (crit !== undefined) throw wrong("has the header crit. Leave it out");
  if (zip !== undefined) throw wrong("is compressed. Leave zip out of its header");
  if (cty !== undefined) throw wrong("holds another token. Leave cty out of its header");
  return known === "Ed25519" ? "EdDSA" : known;
}

function readJson(part: string, name: "a header" | "claims"): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64(part)));
    if (typeof json === "object" && json !== null && !Array.isArray(json)) return { ...json };
  } catch {
    // The error below names the mistake.
  }
  throw wrong(`has ${name} that ${name === "claims" ? "are" : "is"} not a JSON object in UTF-8`);
}

function fromBase64(part: string): Buffer {
  return Buffer.from(part, "base64url");
}

function readTime(value: unknown): number {
  if (typeof value !== "number" || !(value >= 0 && value < 1e10)) {
    throw wrong("has a time that is not in Unix seconds. Unix seconds have ten digits");
  }
  return value;
}

/**
 * Refuses an assertion that is not valid yet, has expired or lives too long. `skewMs` is allowed either way.
 * @throws AuthError `clock_skew` with the gateway's time, `malformed`
 */
export function checkAssertionTime(assertion: Assertion, now: number, skewMs: number): void {
  const { expiresAt, issuedAt, notBefore } = assertion;
  if (issuedAt !== undefined && issuedAt * 1_000 - now > skewMs) checkFresh(issuedAt, now, skewMs, "iat");
  if (notBefore !== undefined && notBefore * 1_000 - now > skewMs) checkFresh(notBefore, now, skewMs, "nbf");
  if (now - expiresAt * 1_000 > skewMs) checkFresh(expiresAt, now, skewMs, "exp");
  const begins = [issuedAt, notBefore].filter((time) => time !== undefined);
  const latest = begins.length === 0 ? (now + skewMs) / 1_000 : Math.max(...begins);
  if (expiresAt - latest > LONGEST_ASSERTION_S) {
    throw wrong(`lives for too long. Let exp be at most ${LONGEST_ASSERTION_S} seconds after iat`);
  }
}

/** A name for an assertion, unique within its device. */
export function nameOfAssertion({ jti }: Assertion): string {
  return `jti ${hash("sha256", jti, "base64url")}`;
}

/** Finds the key that signed an assertion: a customer key for HS256, else the device's own. Takes the same time for every device. */
export function findAssertionKey(credential: Credential, assertion: Assertion, decoys: Decoys): ProvingKey | undefined {
  const { alg, signed, signature } = assertion;
  if (alg === "HS256") {
    const key = findHmacKey(credential, decoys.secret, (secret) => {
      const mac = createHmac("sha256", secret).update(signed).digest();
      return mac.length === signature.length && timingSafeEqual(mac, signature);
    });
    const isShort = key?.purpose === "login" && (key.secret.symmetricKeySize ?? 0) < LEAST_SECRET;
    return isShort ? undefined : key;
  }
  const decoy = decoys.publicKeys[alg];
  const own = openPublicKey(credential.publicKey || decoy);
  // Opened for every device: the time must not show which devices have another algorithm.
  const other = openPublicKey(decoy);
  const isOfAlg = algOf(own) === alg;
  const key = isOfAlg ? own : other;
  const digest = alg === "ES256" ? "sha256" : null;
  const isRight = verify(digest, Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }, signature);
  return isRight && isOfAlg && credential.publicKey !== "" ? { keyId: OWN_KEY, purpose: "login" } : undefined;
}

/** A SubjectPublicKeyInfo of either kind has at most 91 bytes. */
const MAX_CHARACTERS = 512;
const ARMOUR = /-----(?:BEGIN|END) PUBLIC KEY-----|\s+/g;

/** The keyId of a device's own key pair. */
export const OWN_KEY = "public_key";

/**
 * Reads a P-256 or Ed25519 public key, as PEM or as the base64 in it. Empty text means no key.
 * @returns base64 of its SubjectPublicKeyInfo (RFC 5280, 4.1)
 * @throws AuthError `malformed`; the message does not repeat the text, which may be a private key
 */
export function readPublicKey(text: string): string {
  if (text === "") return "";
  if (text.includes("PRIVATE KEY"))
    throw malformed("public_key is a private key. Enrol only the public key", "public_key");
  const base64 = text.length > MAX_CHARACTERS ? "" : text.replace(ARMOUR, "");
  try {
    const key = openPublicKey(base64);
    if (algOf(key) !== undefined) return key.export({ format: "der", type: "spki" }).toString("base64");
  } catch {
    throw malformed("public_key is not a public key. Send PEM as openssl pkey -pubout prints it", "public_key");
  }
  throw malformed("public_key is of a kind that is not accepted. Use P-256 or Ed25519", "public_key");
}

/** Opens what readPublicKey returned. @throws Error for other text */
export function openPublicKey(base64: string): KeyObject {
  return createPublicKey({ key: Buffer.from(base64, "base64"), format: "der", type: "spki" });
}

/** The algorithm of a key; undefined for a key of another kind. */
export function algOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): AssertionAlg | undefined {
  if (asymmetricKeyType === "ed25519") return "EdDSA";
  return asymmetricKeyType === "ec" && asymmetricKeyDetails?.namedCurve === "prime256v1" ? "ES256" : undefined;
}

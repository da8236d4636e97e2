// A JWK Set (RFC 7517, 5) read into keys that verify. Knows no address and no cache.

import { base64url, type CryptoKey, importJWK, type JWK } from "jose";
import { memberOf, readStrictJson } from "./strict-json.ts";

/** A key, and the one algorithm it verifies (RFC 8725, 3.1). */
export interface VerifyingKey {
  readonly alg: string;
  readonly key: CryptoKey;
}

export type KeySet = ReadonlyMap<string, VerifyingKey>;

/** By kty and crv: the algorithm such a key is for, and its public members, the only ones that are looked at. */
const ALGORITHMS: ReadonlyMap<string, { readonly alg: string; readonly members: readonly string[] }> = new Map([
  ["RSA", { alg: "RS256", members: ["n", "e"] }],
  ["EC P-256", { alg: "ES256", members: ["crv", "x", "y"] }],
  ["OKP Ed25519", { alg: "EdDSA", members: ["crv", "x"] }],
]);

/** RFC 7518, 3.3. */
const MIN_MODULUS_BYTES = 256;

/**
 * Reads the keys of a set. What is none, is for something else, or of an algorithm that is not known here, is passed over by itself
 * (RFC 7517, 5); of two with one kid the first counts.
 * @throws SyntaxError, TypeError when it is no JWK Set, or one without a key that can be used
 */
export async function readKeySet(document: Uint8Array): Promise<KeySet> {
  const list = memberOf(readStrictJson(document), "keys");
  if (!Array.isArray(list)) throw new TypeError("it has no list of keys");
  const keys = new Map<string, VerifyingKey>();
  for (const jwk of list) {
    const kid = isObject(jwk) ? memberOf(jwk, "kid") : undefined;
    if (!isObject(jwk) || typeof kid !== "string" || kid === "" || keys.has(kid)) continue;
    const key = await readKey(jwk);
    if (key !== undefined) keys.set(kid, key);
  }
  if (keys.size === 0) throw new TypeError("it has no key that can be used: RS256, ES256 or EdDSA, with a kid");
  return keys;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

async function readKey(jwk: object): Promise<VerifyingKey | undefined> {
  const kty = memberOf(jwk, "kty");
  const crv = memberOf(jwk, "crv");
  if (typeof kty !== "string") return undefined;
  const known = ALGORITHMS.get(typeof crv === "string" ? `${kty} ${crv}` : kty);
  if (known === undefined || !isForVerifying(jwk, known.alg)) return undefined;
  const members = known.members.map((name) => [name, memberOf(jwk, name)]);
  const publicJwk: JWK = { ...Object.fromEntries(members), kty };
  try {
    if (kty === "RSA" && base64url.decode(String(publicJwk.n)).length < MIN_MODULUS_BYTES) return undefined;
    const key = await importJWK(publicJwk, known.alg);
    return key instanceof Uint8Array ? undefined : { alg: known.alg, key };
  } catch {
    // A key that is none is passed over as one of an unknown kind is.
    return undefined;
  }
}

/** RFC 7517, 4.2 to 4.4: each may be absent. */
function isForVerifying(jwk: object, alg: string): boolean {
  const operations = memberOf(jwk, "key_ops");
  return (
    isAbsentOr(memberOf(jwk, "use"), "sig") &&
    isAbsentOr(memberOf(jwk, "alg"), alg) &&
    (operations === undefined || (Array.isArray(operations) && operations.includes("verify")))
  );
}

function isAbsentOr(value: unknown, wanted: string): boolean {
  return value === undefined || value === wanted;
}

// Generates and imports key pairs, and prepares them to sign or verify.

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { calculateJwkThumbprint, exportJWK } from "jose";
import { type AuthError, malformed } from "../errors.ts";
import type { PublicJwk } from "../ports.ts";
import { ALGORITHMS, readTokenAlg, type TokenAlg, type TokenType } from "./algorithms.ts";
import type { NewSigningKey } from "./ports.ts";

/** Signs claims. The token has the given type, by default `JWT`. */
export type SignClaims = (claims: object, type?: TokenType) => Promise<string>;

/** A key that signs and does not expose its private half. */
export interface ActiveKey {
  readonly kid: string;
  readonly alg: TokenAlg;
  readonly signClaims: SignClaims;
}

/** A key pair. The private half is unencrypted PKCS #8 DER. */
export type KeyMaterial = Pick<NewSigningKey, "kid" | "privateKey" | "publicJwk"> & { readonly alg: TokenAlg };

/** Generates a key pair. Its `kid` is its thumbprint, which never begins with a hyphen: commands would read that as an option. */
export async function generateKey(alg: TokenAlg): Promise<KeyMaterial> {
  for (;;) {
    const { privateKey } = await ALGORITHMS[alg].generate();
    const material = await describeKey(privateKey, alg);
    if (!material.kid.startsWith("-")) return material;
  }
}

/** Describes a private key under `kid`; by default its SHA-256 thumbprint (RFC 7638). */
export async function describeKey(privateKey: KeyObject, alg: TokenAlg, kid?: string): Promise<KeyMaterial> {
  const { kty = "", ...members } = await exportJWK(createPublicKey(privateKey));
  const strings = Object.entries(members).filter((pair): pair is [string, string] => typeof pair[1] === "string");
  const name = kid ?? (await calculateJwkThumbprint({ kty, ...members }));
  return {
    kid: name,
    alg,
    privateKey: privateKey.export({ format: "der", type: "pkcs8" }),
    publicJwk: { kid: name, kty, alg, use: "sig", ...Object.fromEntries(strings) },
  };
}

/** Whether two keys are equal apart from their kid. */
export function isSameKey(one: PublicJwk, other: PublicJwk): boolean {
  const members = ["kty", "crv", "n", "e", "x", "y"];
  return members.every((member) => one[member] === other[member]);
}

/** Prepares a private key to sign, and overwrites the bytes. @throws Error for bytes that are not a key of that algorithm */
export function readyToSign(kid: string, alg: string, privateKey: Uint8Array): ActiveKey {
  // A view, not a copy.
  const der = Buffer.from(privateKey.buffer, privateKey.byteOffset, privateKey.byteLength);
  try {
    const known = readTokenAlg(alg);
    const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
    return { kid, alg: known, signClaims: createJws(known, kid, key) };
  } finally {
    der.fill(0);
  }
}

/** Compact JWS (RFC 7515, 7.1). The header is the same for all tokens of a key and a type. */
function createJws(alg: TokenAlg, kid: string, privateKey: KeyObject): SignClaims {
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const headers = { JWT: encode({ alg, typ: "JWT", kid }), "at+jwt": encode({ alg, typ: "at+jwt", kid }) };
  return async (claims, type = "JWT") => {
    const text = `${headers[type]}.${encode(claims)}`;
    const signature = await ALGORITHMS[alg].sign(Buffer.from(text, "latin1"), privateKey);
    return `${text}.${signature.toString("base64url")}`;
  };
}

/** @throws Error for a key of an algorithm that is unknown here */
export function readyToVerify(jwk: PublicJwk): KeyObject {
  readTokenAlg(jwk.alg);
  return createPublicKey({ key: { ...jwk }, format: "jwk" });
}

/** The minimum of RFC 7518, 3.3. Tokens of larger keys do not fit the memory of boards. */
const RSA_BITS = 2_048;
/** The longest text of a key, in characters. */
const LONGEST = 16_384;
/** At most as long as a thumbprint, since each token contains the kid; the characters need no escapes in paths (RFC 3986, 2.3). */
const KID = /^[\w.~-]{1,43}$/;

/** Reads a private key of another server, named `kid`; empty: named by its thumbprint. No message repeats the key. @throws AuthError `malformed`, naming the mistake and the cure */
export async function readImportedKey(text: string, kid: string): Promise<KeyMaterial> {
  if (kid !== "" && !KID.test(kid)) {
    throw malformed("kid is not of 1 to 43 letters and digits and hyphens and dots and tildes and underscores", "kid");
  }
  const trimmed = text.replace(/^\ufeff/, "").trim();
  if (trimmed === "") throw wrong("is missing. Send a PEM file or a JWK");
  if (trimmed.length > LONGEST) throw wrong(`has more than ${LONGEST} characters. Send one key`);
  const key = trimmed.startsWith("{") ? readJwk(trimmed) : readPem(trimmed);
  const alg = algorithmOf(key);
  if (!parsed(() => isPair(key))) throw wrong("has halves that do not belong together. It was changed");
  return describeKey(key, alg, kid === "" ? undefined : kid);
}

function readPem(text: string): KeyObject {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)];
  const [block, another] = blocks.filter(([, label = ""]) => label.endsWith("PRIVATE KEY"));
  if (block === undefined) {
    throw blocks.length > 0
      ? wrong("holds a public key or a certificate. Send the private key that belongs to it")
      : wrong("is neither PEM nor a JWK. A PEM file begins with five hyphens and BEGIN PRIVATE KEY");
  }
  if (another !== undefined) throw wrong("holds several private keys. Send one");
  const [pem, label] = block;
  if (label === "ENCRYPTED PRIVATE KEY" || /^(Proc-Type|DEK-Info):/m.test(pem)) {
    throw wrong("is encrypted with a passphrase. Take that off with openssl pkey -in FILE and send what it prints");
  }
  if (label === "OPENSSH PRIVATE KEY") {
    throw wrong("is in the form of OpenSSH. Turn a copy of it into PEM with ssh-keygen -p -m PKCS8 -f FILE");
  }
  return parsed(() => createPrivateKey({ key: pem, format: "pem" }));
}

function readJwk(text: string): KeyObject {
  const jwk = parsed((): unknown => JSON.parse(text));
  const members = Object.fromEntries(Object.entries(Object(jwk)));
  const { kty, d, use, alg } = members;
  if ("keys" in members) throw wrong("is a set of keys. Send one of them");
  if (kty === "oct") throw wrong("is a secret for HMAC with which every verifier could sign. Send a private key");
  if (typeof d !== "string") throw wrong("has no member d and is a public key. Send the private one");
  if (use !== undefined && use !== "sig") throw wrong("is for encryption by its member use. Send one that signs");
  const key = parsed(() => createPrivateKey({ key: members, format: "jwk" }));
  if (alg !== undefined && alg !== algorithmOf(key)) {
    throw wrong("is for another algorithm by its member alg. Tokens are signed with RS256 or ES256 or EdDSA");
  }
  return key;
}

/** Runs a parser and replaces its error, whose message may repeat the key. */
function parsed<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw wrong("cannot be read. It is cut off or was changed");
  }
}

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): TokenAlg {
  if (type === "ed25519") return "EdDSA";
  if (type === "ec" && details?.namedCurve === "prime256v1") return "ES256";
  if (type === "rsa" && details?.modulusLength === RSA_BITS) return "RS256";
  if (type === "ec") throw wrong("is of another curve than P-256");
  if (type === "rsa") throw wrong(`has ${details?.modulusLength} bits. RS256 takes ${RSA_BITS} bits here`);
  throw wrong("is neither RSA nor of P-256 nor Ed25519");
}

/** Checks the halves of a key: Node also reads halves of different keys. */
function isPair(key: KeyObject): boolean {
  const text = Buffer.from("countersign");
  return verify(null, text, createPublicKey(key), sign(null, text, key));
}

function wrong(what: string): AuthError {
  return malformed(`private_key ${what}`, "private_key");
}

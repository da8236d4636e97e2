// Reads a private key of another server, PEM or JWK. No message repeats it.

import { createPrivateKey, createPublicKey, type KeyObject, verify } from "node:crypto";
import { type AuthError, malformed } from "../errors.ts";
import { ALGORITHMS, type TokenAlg } from "./algorithms.ts";
import { describeKey, type KeyMaterial } from "./key-material.ts";

const FIELD = "private_key";
const MOST_EXPONENT = 0xffff_ffffn;
/** RFC 7518, 3.3. */
const LEAST_RSA_BITS = 2_048;
/** Signed with more, the answer to a login takes more than the 900 bytes that boards have room for. */
const MOST_RSA_BITS = 2_048;
/** In characters. */
const LONGEST = 16_384;
/** It is in every token, as a thumbprint of 43 characters is, and in paths and messages as it stands (RFC 3986, 2.3). */
const KID = /^[\w.~-]{1,43}$/;

/**
 * Reads a key and names it `kid`, or by its thumbprint where that is empty. @throws AuthError `malformed`, naming the mistake and
 * the cure
 */
export async function readImportedKey(text: string, kid: string): Promise<KeyMaterial> {
  if (kid !== "" && !KID.test(kid)) {
    throw malformed("kid is not of 1 to 43 letters and digits and hyphens and dots and tildes and underscores", "kid");
  }
  const key = readPrivateKey(text);
  const alg = algorithmOf(key);
  await checkPair(key, alg);
  return describeKey(key, alg, kid === "" ? undefined : kid);
}

function readPrivateKey(text: string): KeyObject {
  const trimmed = text.replace(/^\ufeff/, "").trim();
  if (trimmed === "") throw wrong("is missing. Send a PEM file or a JWK");
  if (trimmed.length > LONGEST) throw wrong(`has more than ${LONGEST} characters. Send one key`);
  return trimmed.startsWith("{") ? readJwk(trimmed) : readPem(trimmed);
}

function readPem(text: string): KeyObject {
  const blocks = [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g)];
  const labels = blocks.map(([, label = ""]) => label);
  const keys = blocks.filter(([, label = ""]) => label.endsWith("PRIVATE KEY"));
  const [block] = keys;
  if (block === undefined) {
    if (labels.some((label) => label.includes("PUBLIC KEY") || label.includes("CERTIFICATE"))) {
      throw wrong("holds a public key or a certificate. Send the private key that belongs to it");
    }
    throw wrong("is neither PEM nor a JWK. A PEM file begins with five hyphens and BEGIN PRIVATE KEY");
  }
  if (keys.length > 1) throw wrong("holds several private keys. Send one");
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
  if (typeof jwk !== "object" || jwk === null) throw wrong("is no JWK");
  if ("keys" in jwk) throw wrong("is a set of keys. Send one of them");
  const members = Object.fromEntries(Object.entries(jwk));
  if (members["kty"] === "oct") {
    throw wrong("is a secret for HMAC and whoever verifies with it could sign with it too. Send a private key");
  }
  if (typeof members["d"] !== "string") throw wrong("has no member d and is a public key. Send the private one");
  const key = parsed(() => createPrivateKey({ key: members, format: "jwk" }));
  const { alg, use } = members;
  if (use !== undefined && use !== "sig") throw wrong("is for encryption by its member use. Send one that signs");
  if (alg !== undefined && alg !== algorithmOf(key)) {
    throw wrong("is for another algorithm by its member alg. Tokens are signed with RS256 or ES256 or EdDSA");
  }
  return key;
}

/** A parser's message may repeat the key. */
function parsed<Value>(parse: () => Value): Value {
  try {
    return parse();
  } catch {
    throw wrong("cannot be read. It is cut off or was changed");
  }
}

function algorithmOf(key: KeyObject): TokenAlg {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === "ed25519") return "EdDSA";
  if (type === "ec") {
    if (details?.namedCurve === "prime256v1") return "ES256";
    throw wrong("is of another curve than P-256");
  }
  if (type === "rsa") {
    const bits = details?.modulusLength ?? 0;
    if (bits < LEAST_RSA_BITS) throw wrong(`has ${bits} bits. RS256 takes ${LEAST_RSA_BITS}`);
    if (bits > MOST_RSA_BITS) {
      throw wrong(
        `has ${bits} bits and makes tokens that boards have no room for. RS256 takes ${MOST_RSA_BITS} bits here`,
      );
    }
    const exponent = details?.publicExponent ?? 0n;
    // By 1 a signature is the text itself; past 32 bits other libraries give up.
    if (exponent < 3n || exponent % 2n === 0n || exponent > MOST_EXPONENT) {
      throw wrong("has a public exponent that is even or below 3 or above 32 bits");
    }
    return "RS256";
  }
  throw wrong("is neither RSA nor of P-256 nor Ed25519");
}

/** A JWK says its public half beside the private one, and says what it likes. */
async function checkPair(key: KeyObject, alg: TokenAlg): Promise<void> {
  const text = Buffer.from("countersign import check v1");
  const publicKey = { key: createPublicKey(key), dsaEncoding: "ieee-p1363" } as const;
  const isPair = await ALGORITHMS[alg].sign(text, key).then(
    (signature) => verify(alg === "EdDSA" ? null : "sha256", text, publicKey, signature),
    () => false,
  );
  if (!isPair) throw wrong("has halves that do not belong together. It was changed");
}

function wrong(what: string): AuthError {
  return malformed(`${FIELD} ${what}`, FIELD);
}

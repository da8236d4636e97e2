// Imports private keys in the forms of openssl and JOSE libraries.

import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AuthError } from "../../../src/core/errors.ts";
import type { TokenAlg } from "../../../src/core/tokens/algorithms.ts";
import { describeKey, readImportedKey } from "../../../src/core/tokens/key-material.ts";
import { caughtErrorOf } from "../caught-error.ts";

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");

const pem = (key: KeyObject, type: "pkcs8" | "pkcs1" | "sec1" = "pkcs8"): string =>
  key.export({ format: "pem", type }).toString();
const publicPem = (key: KeyObject): string => key.export({ format: "pem", type: "spki" }).toString();
const jwk = (key: KeyObject, more: object = {}): string =>
  JSON.stringify({ ...key.export({ format: "jwk" }), ...more });

const parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
const windows = `\ufeff${pem(ed.privateKey).replaceAll("\n", "\r\n")}`;
const bag = `Bag Attributes\n  friendlyName: old\n${pem(ed.privateKey)}${publicPem(ed.publicKey)}`;

const FORMS: readonly (readonly [name: string, alg: TokenAlg, key: KeyObject, text: string])[] = [
  ["RSA in PKCS #8", "RS256", rsa.privateKey, pem(rsa.privateKey)],
  ["RSA in PKCS #1", "RS256", rsa.privateKey, pem(rsa.privateKey, "pkcs1")],
  ["RSA as a JWK", "RS256", rsa.privateKey, jwk(rsa.privateKey, { alg: "RS256", use: "sig", kid: "theirs" })],
  ["P-256 in PKCS #8", "ES256", ec.privateKey, pem(ec.privateKey)],
  ["P-256 in SEC 1", "ES256", ec.privateKey, pem(ec.privateKey, "sec1")],
  ["P-256 as openssl ecparam writes it", "ES256", ec.privateKey, parameters + pem(ec.privateKey, "sec1")],
  ["P-256 as a JWK", "ES256", ec.privateKey, jwk(ec.privateKey)],
  ["Ed25519 in PKCS #8", "EdDSA", ed.privateKey, pem(ed.privateKey)],
  ["Ed25519 as a JWK", "EdDSA", ed.privateKey, jwk(ed.privateKey)],
  ["lines of Windows and a byte order mark", "EdDSA", ed.privateKey, windows],
  ["text around it", "EdDSA", ed.privateKey, bag],
];

test.for(FORMS)("%s is read", async ([, alg, key, text]) => {
  const read = await readImportedKey(text, "");
  expect({ ...read, privateKey: undefined }).toEqual({ ...(await describeKey(key, alg)), privateKey: undefined });
  const again = createPrivateKey({ key: Buffer.from(read.privateKey), format: "der", type: "pkcs8" });
  expect(again.equals(key)).toBe(true);
  expect(await readImportedKey(text, "old-1")).toMatchObject({ kid: "old-1", publicJwk: { kid: "old-1", alg } });
});

async function mistakeOf(text: string, kid = ""): Promise<string> {
  const { reason, details, message } = await caughtErrorOf(readImportedKey(text, kid));
  expect([reason, details.field]).toEqual(["malformed", kid === "" ? "private_key" : "kid"]);
  expect(message).not.toMatch(/[;/?:@&=+$,#]/);
  return message.replace(/^private_key /, "");
}

describe("a key that cannot sign tokens gets an error that says why", () => {
  const rsaPem = pem(rsa.privateKey);
  const encrypted = { format: "pem", cipher: "aes-256-cbc", passphrase: "x" } as const;
  const weak = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
  const large = generateKeyPairSync("rsa", { modulusLength: 3072 }).privateKey;
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
  const members = rsa.privateKey.export({ format: "jwk" });
  const { n } = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  test.for(
    [
      ["", "is missing"],
      [" \n", "is missing"],
      ["none", "is neither PEM nor a JWK"],
      ["x".repeat(16_385), "has more than 16384 characters"],
      [publicPem(rsa.publicKey), "holds a public key"],
      ["-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "holds a public key or a certificate"],
      [rsa.privateKey.export({ ...encrypted, type: "pkcs8" }).toString(), "is encrypted with a passphrase"],
      [rsa.privateKey.export({ ...encrypted, type: "pkcs1" }).toString(), "is encrypted with a passphrase"],
      ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----", "is in the form of OpenSSH"],
      [`${rsaPem}${pem(ec.privateKey)}`, "holds several private keys"],
      [rsaPem.replace(/\n[^\n]{64}\n/, "\n"), "cannot be read"],
      [rsaPem.slice(0, 700), "is neither PEM nor a JWK"],
      ["{", "cannot be read"],
      ["{}", "has no member d"],
      [`{"keys":[${jwk(rsa.privateKey)}]}`, "is a set of keys"],
      ['{"kty":"oct","k":"c2VjcmV0"}', "is a secret for HMAC"],
      [JSON.stringify(rsa.publicKey.export({ format: "jwk" })), "has no member d"],
      [jwk(rsa.privateKey, { use: "enc" }), "is for encryption"],
      [jwk(rsa.privateKey, { alg: "PS256" }), "is for another algorithm"],
      [JSON.stringify({ ...members, n }), "has halves that do not belong"],
      [pem(weak), "has 1024 bits"],
      [pem(large), "has 3072 bits. RS256 takes 2048 bits here"],
      [pem(p384), "is of another curve than P-256"],
      [pem(generateKeyPairSync("x25519").privateKey), "is neither RSA nor"],
    ].map(([text = "", why = ""]) => ({ text, why })),
  )("%#: it $why", async ({ text, why }) => {
    expect(await mistakeOf(text)).toMatch(new RegExp(`^${why}`));
  });

  test.for(["a b", "a/b", "é", "k".repeat(44), '"', "a\n"])("a kid like %j", async (kid) => {
    expect(await mistakeOf(pem(ed.privateKey), kid)).toMatch(/^kid is not of 1 to 43/);
  });
});

test("any text is read or rejected, and an error does not repeat it", async () => {
  const text = pem(ec.privateKey);
  const cut = fc
    .tuple(fc.nat(text.length), fc.nat(40), fc.string())
    .map(([at, less, more]) => text.slice(0, at) + more + text.slice(at + less));
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json(), cut), async (given) => {
      const error = await readImportedKey(given, "").catch((thrown: unknown) => thrown);
      if (!(error instanceof Error)) return;
      expect(error).toBeInstanceOf(AuthError);
      if (given.trim().length > 30) expect(String(error)).not.toContain(given.trim().slice(0, 30));
    }),
    { numRuns: 300 },
  );
});

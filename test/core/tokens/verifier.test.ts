// The gateway's own verifier accepts tokens of its signer, and no others.

import type { KeyObject } from "node:crypto";
import { describe, expect, test } from "vitest";
import { AuthError } from "../../../src/core/errors.ts";
import { TOKEN_ALGS, TOKEN_TYPES, type TokenAlg } from "../../../src/core/tokens/algorithms.ts";
import { type ActiveKey, readyToSign, readyToVerify } from "../../../src/core/tokens/key-material.ts";
import { createTokenVerifier } from "../../../src/core/tokens/tokens.ts";
import { signerOf } from "../../keyring/ring.ts";
import { type Mint, makeKeys, validToken } from "../../vectors/forge.ts";
import { findMisjudged, hostileTokens } from "../../vectors/hostile-tokens.ts";
import { caughtErrorOf } from "../caught-error.ts";

const NOW = 1_764_000_000_000;
const PARTIES = { issuer: "https://login.example", audience: "devices", deviceKey: "pump-7", customerId: "acme" };

const mints = new Map<TokenAlg, Mint & { key: KeyObject }>();
for (const alg of TOKEN_ALGS) {
  const { privateKey, publicKey } = makeKeys(alg);
  const kid = `kid-of-${alg}`;
  const publicJwk = { kty: "", ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" as const };
  mints.set(alg, { alg, kid, privateKey, publicJwk, ...PARTIES, now: NOW, key: readyToVerify(publicJwk) });
}

function mintOf(alg: TokenAlg): Mint & { key: KeyObject } {
  const mint = mints.get(alg);
  if (mint === undefined) throw new TypeError(`there is no mint of ${alg}`);
  return mint;
}

/** A verifier with keys of all three algorithms, and its ring. */
function open() {
  const found = new Map<string, KeyObject | "revoked">([...mints.values()].map(({ kid, key }) => [kid, key]));
  const ring = {
    confirmations: [] as Promise<void>[],
    find: (kid: string) => found.get(kid),
    confirm: () => ring.confirmations.shift(),
  };
  const verifier = createTokenVerifier(() => "https://login.example", "devices", ring);
  return { found, ring, verify: (token: string, now = NOW) => verifier(token, now) };
}

describe.for(TOKEN_ALGS)("tokens of %s", (alg) => {
  test.for(TOKEN_TYPES)("accepts a token of the signer, and names its device: %s", async (type) => {
    const { kid, privateKey } = mintOf(alg);
    const active: ActiveKey = readyToSign(kid, alg, privateKey.export({ format: "der", type: "pkcs8" }));
    const signer = signerOf({ type, active: () => active });
    // Every kind of character that a device_key may have.
    const deviceKey = "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~";
    const marks = { customerId: "acme", createdAt: 0, device: 0, customer: 0 };
    const token = await signer.sign({ deviceKey, customerId: "acme", marks }, NOW + 999);
    expect(await open().verify(token)).toEqual({
      deviceKey,
      customerId: "acme",
      jti: expect.stringMatching(/^[\w-]{20}$/),
      issuedAt: NOW / 1000,
      expiresAt: NOW / 1000 + 600,
    });
  });

  test("every hostile token is rejected with an AuthError", async () => {
    const { verify } = open();
    const mint = mintOf(alg);
    await verify(validToken(mint));
    expect(hostileTokens(mint).length).toBeGreaterThan(320);
    const answerOf = (token: string): Promise<string> =>
      verify(token).then(
        () => "accepted",
        (error: unknown) => (error instanceof AuthError ? error.reason : `crashed: ${error}`),
      );
    expect(await findMisjudged(mint, answerOf)).toEqual([]);
  });
});

test("rejects a token of another issuer or audience", async () => {
  const { verify } = open();
  const mint = mintOf("ES256");
  const errors = [
    await caughtErrorOf(verify(validToken({ ...mint, issuer: "https://other.example" }))),
    await caughtErrorOf(verify(validToken({ ...mint, audience: "others" }))),
  ];
  expect(errors.map(({ message }) => message)).toEqual([
    "the token is invalid because its iss is wrong. The device has to log in again",
    "the token is invalid because its aud is wrong. The device has to log in again",
  ]);
});

test("a token is valid until its last millisecond", async () => {
  const { verify } = open();
  const mint = mintOf("ES256");
  await verify(validToken(mint), NOW + 599_999);
  const error = await caughtErrorOf(verify(validToken(mint), NOW + 600_000));
  expect([error.reason, error.message]).toEqual(["expired", "the token has expired. The device has to log in again"]);
});

test("accepts an iat one second ahead, and rejects one further ahead", async () => {
  const { verify } = open();
  const mint = mintOf("ES256");
  const ahead = (seconds: number) => validToken({ ...mint, now: NOW + seconds * 1_000 });
  await verify(ahead(1));
  await verify(ahead(300));
  expect((await caughtErrorOf(verify(ahead(301)))).reason).toBe("invalid");
});

test("a token of a revoked key is revoked, a token of a deleted key invalid", async () => {
  const { found, verify } = open();
  const mint = mintOf("EdDSA");
  found.set(mint.kid, "revoked");
  expect((await caughtErrorOf(verify(validToken(mint)))).reason).toBe("revoked");
  found.delete(mint.kid);
  expect((await caughtErrorOf(verify(validToken(mint)))).reason).toBe("invalid");
});

test("a stale ring is read again before a valid token is accepted", async () => {
  const { found, ring, verify } = open();
  const mint = mintOf("EdDSA");
  const { promise, resolve } = Promise.withResolvers<void>();
  ring.confirmations.push(promise);
  const checked = caughtErrorOf(verify(validToken(mint)));
  await Promise.resolve();
  found.set(mint.kid, "revoked");
  resolve();
  expect((await checked).reason).toBe("revoked");
  found.set(mint.kid, mint.key);
  const away = (): Promise<void> => Promise.reject(new AuthError("unavailable", "the registry cannot be reached now"));
  ring.confirm = away;
  expect((await caughtErrorOf(verify(validToken(mint)))).reason).toBe("unavailable");
  expect((await caughtErrorOf(verify(`${validToken(mint).slice(0, -4)}AAAA`))).reason).toBe("invalid");
  expect((await caughtErrorOf(verify(validToken(mint), NOW + 600_000))).reason).toBe("expired");
});

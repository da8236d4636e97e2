// Tokens: the exact claims and header of the contract. The gateway's own verifier accepts tokens of its signer, and no others.

import type { KeyObject } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { AuthError } from "../../../src/core/errors.ts";
import type { TokenSigner } from "../../../src/core/ports.ts";
import { TOKEN_ALGS, TOKEN_TYPES, type TokenAlg } from "../../../src/core/tokens/algorithms.ts";
import { type ActiveKey, readyToSign, readyToVerify } from "../../../src/core/tokens/key-material.ts";
import { createTokenVerifier, type SignerOptions } from "../../../src/core/tokens/tokens.ts";
import { type RingOf, signerOf } from "../../keyring/ring.ts";
import { type Mint, makeKeys, validToken } from "../../vectors/forge.ts";
import { findMisjudged, hostileTokens } from "../../vectors/hostile-tokens.ts";

const NOW = 1_764_000_000_000;
const PARTIES = { issuer: "https://login.example", audience: "devices", deviceKey: "pump-7", customerId: "acme" };
const MARKS = { customerId: "acme", createdAt: 0, device: 0, customer: 0 };
const SUBJECT = { deviceKey: "pump-7", customerId: "acme", marks: MARKS };

function makeMint(alg: TokenAlg): Mint & { readonly key: KeyObject } {
  const { privateKey, publicKey } = makeKeys(alg);
  const kid = `kid-of-${alg}`;
  const publicJwk = { kty: "", ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" as const };
  return { alg, kid, privateKey, publicJwk, ...PARTIES, now: NOW, key: readyToVerify(publicJwk) };
}

const MINTS = { RS256: makeMint("RS256"), ES256: makeMint("ES256"), EdDSA: makeMint("EdDSA") };

function activeKeyOf(alg: TokenAlg): ActiveKey {
  const { kid, privateKey } = MINTS[alg];
  return readyToSign(kid, alg, privateKey.export({ format: "der", type: "pkcs8" }));
}

function newSigner(alg: TokenAlg = "RS256", options: Partial<RingOf & SignerOptions> = {}): TokenSigner {
  const active = activeKeyOf(alg);
  return signerOf({ active: () => active, ...options });
}

/** Signs a token of RS256. @returns it, its header and its claims */
async function sign(options: Partial<RingOf & SignerOptions> = {}, subject: Partial<typeof SUBJECT> = {}, now = NOW) {
  const token = await newSigner("RS256", options).sign({ ...SUBJECT, ...subject }, now);
  return { token, header: decodeProtectedHeader(token), claims: decodeJwt(token) };
}

describe("the signer", () => {
  test("gives exactly the contract's header and claims, with iat rounded down", async () => {
    // A token must not come from a verifier's future.
    const { header, claims } = await sign({}, {}, NOW + 999);
    expect(header).toEqual({ alg: "RS256", typ: "JWT", kid: "kid-of-RS256" });
    expect(claims).toEqual({
      iss: "https://login.example",
      sub: "pump-7",
      aud: "devices",
      iat: NOW / 1000,
      exp: NOW / 1000 + 600,
      jti: expect.stringMatching(/^[\w-]{20}$/),
      customer_id: "acme",
    });
  });

  test("names the client too in a token of the type at+jwt (RFC 9068, 2.2)", async () => {
    const { header, claims } = await sign({ type: "at+jwt" });
    expect(header).toMatchObject({ typ: "at+jwt" });
    expect(claims).toMatchObject({ sub: "pump-7", client_id: "pump-7" });
  });

  test("uses its lifetime and the present issuer", async () => {
    let issuer = "http://127.0.0.1:1";
    const signer = newSigner("RS256", { ttlSeconds: 60, issuer: () => issuer });
    expect(signer.expiresInSeconds).toBe(60);
    issuer = "http://127.0.0.1:2";
    expect(decodeJwt(await signer.sign(SUBJECT, NOW))).toMatchObject({ exp: NOW / 1000 + 60, iss: issuer });
  });

  test("answers the longest login in under 900 bytes", async () => {
    const { token } = await sign({}, { deviceKey: "k".repeat(96), customerId: "0123456789abcdef" });
    expect(JSON.stringify({ token, expires_in: 600 }).length).toBeLessThan(900);
  });

  test("waits for the present key after a pause, and signs nothing without a key", async () => {
    let active: ActiveKey | undefined;
    const confirm = async (): Promise<void> => {
      await Promise.resolve();
      active = activeKeyOf("ES256");
    };
    const signer = newSigner("RS256", { active: () => active });
    expect([signer.ready(), newSigner().ready()]).toEqual([false, true]);
    await expect(signer.sign(SUBJECT, NOW)).rejects.toThrow("no key to sign tokens with");
    expect((await sign({ confirm, active: () => active })).header).toMatchObject({ kid: "kid-of-ES256" });
  });
});

/** A verifier with a key of each algorithm. `answerOf` gives "accepted", or the reason of the error. */
function open() {
  const found = new Map<string, KeyObject | "revoked">(Object.values(MINTS).map(({ kid, key }) => [kid, key]));
  const ring = { find: (kid: string) => found.get(kid), confirm: (): Promise<void> | undefined => undefined };
  const verifier = createTokenVerifier(() => "https://login.example", "devices", ring);
  const verify = (token: string, now = NOW) => verifier(token, now);
  const answerOf = (token: string, now = NOW): Promise<string> =>
    verify(token, now).then(
      () => "accepted",
      (error: unknown) => (error instanceof AuthError ? error.reason : `crashed: ${error}`),
    );
  return { found, ring, verify, answerOf };
}

describe.for(TOKEN_ALGS)("tokens of %s", (alg) => {
  test.for(TOKEN_TYPES)("are accepted with their device: %s", async (type) => {
    // Every kind of character that a device_key may have.
    const deviceKey = "!\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~";
    const token = await newSigner(alg, { type }).sign({ ...SUBJECT, deviceKey }, NOW);
    const times = { issuedAt: NOW / 1000, expiresAt: NOW / 1000 + 600 };
    expect(await open().verify(token)).toEqual({ deviceKey, customerId: "acme", jti: expect.any(String), ...times });
  });

  test("that are hostile are rejected with an AuthError", async () => {
    const { answerOf } = open();
    const mint = MINTS[alg];
    expect(await answerOf(validToken(mint))).toBe("accepted");
    expect(hostileTokens(mint).length).toBeGreaterThan(250);
    expect(await findMisjudged(mint, answerOf)).toEqual([]);
  });
});

test("the error for another issuer or audience names the claim", async () => {
  const { verify } = open();
  const changes = { iss: { issuer: "https://other.example" }, aud: { audience: "others" } };
  for (const [claim, change] of Object.entries(changes)) {
    const message = `the token is invalid because its ${claim} is wrong. The device has to log in again`;
    await expect(verify(validToken({ ...MINTS.ES256, ...change }))).rejects.toThrow(message);
  }
});

test("a token is valid until its last millisecond, and from five minutes before its iat", async () => {
  const { verify, answerOf } = open();
  const token = validToken(MINTS.ES256);
  const answers = await Promise.all(
    [599_999, 600_000, -300_000, -300_001].map((after) => answerOf(token, NOW + after)),
  );
  expect(answers).toEqual(["accepted", "expired", "accepted", "invalid"]);
  const message = "the token has expired. The device has to log in again";
  await expect(verify(token, NOW + 600_000)).rejects.toThrow(message);
});

test("a token of a revoked key is revoked, a token of a deleted key invalid", async () => {
  const { found, answerOf } = open();
  const mint = MINTS.EdDSA;
  found.set(mint.kid, "revoked");
  expect(await answerOf(validToken(mint))).toBe("revoked");
  found.delete(mint.kid);
  expect(await answerOf(validToken(mint))).toBe("invalid");
});

test("a stale ring is read again before a valid token is accepted", async () => {
  const { found, ring, answerOf } = open();
  const mint = MINTS.EdDSA;
  const token = validToken(mint);
  ring.confirm = async () => {
    await Promise.resolve();
    found.set(mint.kid, "revoked");
  };
  expect(await answerOf(token)).toBe("revoked");
  found.set(mint.kid, mint.key);
  ring.confirm = () => Promise.reject(new AuthError("unavailable", "the registry cannot be reached now"));
  const answers = [answerOf(token), answerOf(`${token.slice(0, -4)}AAAA`), answerOf(token, NOW + 600_000)];
  expect(await Promise.all(answers)).toEqual(["unavailable", "invalid", "expired"]);
});

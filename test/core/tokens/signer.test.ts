// Tokens: the exact claims and header of the contract.

import { expect, test } from "vitest";
import type { TokenSigner } from "../../../src/core/ports.ts";
import { readEpoch } from "../../../src/core/registry/revocation.ts";
import type { SignerOptions } from "../../../src/core/tokens/tokens.ts";
import { signerOf } from "../../keyring/ring.ts";
import { NOW, shareFixture } from "../login-path.ts";

const fixture = await shareFixture();

const MARKS = { customerId: "customer-1", createdAt: 0, device: 0, customer: 0 };
const SUBJECT = { deviceKey: "device-1", customerId: "customer-1", marks: MARKS };

const newSigner = (options: Partial<SignerOptions> = {}): TokenSigner =>
  signerOf({ active: () => fixture.ring.active(), ...options });

/** The header and claims of a token, unverified. */
function partsOf(token: string): unknown[] {
  const [header = "", claims = ""] = token.split(".");
  return [header, claims].map((part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8")));
}

test("a token has exactly the contract's header and claims", async () => {
  const [header, claims] = partsOf(await newSigner().sign(SUBJECT, NOW));
  expect(header).toEqual({ alg: "RS256", typ: "JWT", kid: fixture.ring.active()?.kid });
  expect(claims).toEqual({
    iss: "https://login.example",
    sub: "device-1",
    aud: "devices",
    iat: NOW / 1000,
    exp: NOW / 1000 + 600,
    jti: expect.stringMatching(/^[\w-]{20}$/),
    customer_id: "customer-1",
  });
});

test("a token of the type at+jwt names its client too (RFC 9068, 2.2)", async () => {
  const [header, claims] = partsOf(await newSigner({ type: "at+jwt" }).sign(SUBJECT, NOW));
  expect(header).toMatchObject({ typ: "at+jwt" });
  expect(claims).toMatchObject({ sub: "device-1", client_id: "device-1" });
});

test("iat is in whole seconds, rounded down, so that no verifier sees a token from the future", async () => {
  const [, claims] = partsOf(await newSigner().sign(SUBJECT, NOW + 999));
  expect(claims).toMatchObject({ iat: NOW / 1000, exp: NOW / 1000 + 600 });
});

test("the jti begins with its epoch", async () => {
  const epochs = await Promise.all(
    [MARKS, MARKS, { ...MARKS, device: 1 }, { ...MARKS, customer: 1 }].map(async (marks) => {
      const [, claims] = partsOf(await newSigner().sign({ ...SUBJECT, marks }, NOW));
      return readEpoch(Object(claims).jti);
    }),
  );
  expect(epochs[0]).toMatch(/^[\w-]{8}$/);
  expect(epochs[1]).toBe(epochs[0]);
  expect(new Set(epochs).size).toBe(3);
});

test("every token has its own jti", async () => {
  const signer = newSigner();
  const tokens = await Promise.all(Array.from({ length: 50 }, () => signer.sign(SUBJECT, NOW)));
  expect(new Set(tokens.map((token) => JSON.stringify(partsOf(token)[1]))).size).toBe(50);
});

test("a token has the signer's lifetime and the present issuer", async () => {
  let issuer = "http://127.0.0.1:1";
  const signer = newSigner({ ttlSeconds: 60, issuer: () => issuer });
  expect(signer.expiresInSeconds).toBe(60);
  issuer = "http://127.0.0.1:2";
  expect(partsOf(await signer.sign(SUBJECT, NOW))[1]).toMatchObject({ exp: NOW / 1000 + 60, iss: issuer });
});

test("the longest login has an answer under 900 bytes", async () => {
  const token = await newSigner().sign({ ...SUBJECT, deviceKey: "k".repeat(96), customerId: "0123456789abcdef" }, NOW);
  expect(JSON.stringify({ token, expires_in: 600 }).length).toBeLessThan(900);
});

test("after a pause the signer waits for the present key", async () => {
  let isRead = false;
  const confirm = async (): Promise<void> => {
    await Promise.resolve();
    isRead = true;
  };
  const signer = newSigner({ confirm, active: () => (isRead ? fixture.ring.active() : undefined) });
  expect(partsOf(await signer.sign(SUBJECT, NOW))[0]).toMatchObject({ kid: fixture.ring.active()?.kid });
});

test("without a key the signer is not ready, and signs nothing", async () => {
  const signer = newSigner({ active: () => undefined });
  expect(signer.ready()).toBe(false);
  expect(newSigner().ready()).toBe(true);
  await expect(signer.sign(SUBJECT, NOW)).rejects.toThrow("no key to sign tokens with");
});

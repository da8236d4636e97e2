// The key ring: one key whoever opens it, named by its thumbprint.

import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { openKeyRing } from "../../../src/core/tokens/keyring.ts";
import { openDatabase } from "../../store/database.ts";

const NOW = 1_764_000_000_000;

test("a first opening makes an RSA key of 2048 bits, and keeps it", async () => {
  const { store } = await openDatabase();
  const ring = await openKeyRing(store.signingKeys, "RS256", NOW);
  const kept = await store.signingKeys.active();
  expect(kept).toMatchObject({ kid: ring.active()?.kid, alg: "RS256", createdAt: NOW });
  const key = createPrivateKey({ key: Buffer.from(kept?.privateKey ?? []), format: "der", type: "pkcs8" });
  expect(key.asymmetricKeyType).toBe("rsa");
  expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65537n });
});

test("the published key is the public half of the one that signs, and nothing more", async () => {
  const { store } = await openDatabase();
  const ring = await openKeyRing(store.signingKeys, "RS256", NOW);
  const [jwk, ...others] = ring.published();
  expect(others).toEqual([]);
  expect(jwk).toEqual({
    kid: ring.active()?.kid,
    kty: "RSA",
    alg: "RS256",
    use: "sig",
    n: expect.stringMatching(/^[\w-]{342}$/),
    e: "AQAB",
  });
  const kept = await store.signingKeys.active();
  const privateKey = createPrivateKey({ key: Buffer.from(kept?.privateKey ?? []), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey({ key: { ...jwk }, format: "jwk" });
  const text = Buffer.from("message");
  expect(verify("sha256", text, publicKey, sign("sha256", text, privateKey))).toBe(true);
});

test("kid is the thumbprint of RFC 7638", async () => {
  const { store } = await openDatabase();
  const { active, published } = await openKeyRing(store.signingKeys, "RS256", NOW);
  const canonical = `{"e":"${published()[0]?.["e"]}","kty":"RSA","n":"${published()[0]?.["n"]}"}`;
  expect(active()?.kid).toBe(createHash("sha256").update(canonical).digest("base64url"));
});

test("the key that signs cannot be had from the ring", async () => {
  const { store } = await openDatabase();
  const { active } = await openKeyRing(store.signingKeys, "RS256", NOW);
  expect(Object.keys(active() ?? {}).sort()).toEqual(["alg", "kid", "signClaims"]);
});

test.each([
  ["RS256", { kty: "RSA", n: expect.stringMatching(/^[\w-]{342}$/), e: "AQAB" }],
  [
    "ES256",
    { kty: "EC", crv: "P-256", x: expect.stringMatching(/^[\w-]{43}$/), y: expect.stringMatching(/^[\w-]{43}$/) },
  ],
  ["EdDSA", { kty: "OKP", crv: "Ed25519", x: expect.stringMatching(/^[\w-]{43}$/) }],
] as const)(
  "a first key of %s is published with its members, and signs what jose takes for its own",
  async (alg, members) => {
    const { store } = await openDatabase();
    const { active, published } = await openKeyRing(store.signingKeys, alg, NOW);
    expect(published()).toEqual([{ kid: active()?.kid, alg, use: "sig", ...members }]);
    const token = (await active()?.signClaims({ sub: "é \u{1f511}" })) ?? "";
    const keys = createLocalJWKSet({ keys: published().map((key) => ({ ...key })) });
    const { payload, protectedHeader } = await jwtVerify(token, keys, { algorithms: [alg], typ: "JWT" });
    expect(payload).toEqual({ sub: "é \u{1f511}" });
    expect(protectedHeader).toEqual({ alg, typ: "JWT", kid: active()?.kid });
    await expect(jwtVerify(`${token.slice(0, -6)}AAAAAA`, keys)).rejects.toThrow("signature");
  },
);

test("a store that has a key goes on with it, whatever algorithm a new one would be of", async () => {
  const { store, reopen } = await openDatabase();
  const first = await openKeyRing(store.signingKeys, "ES256", NOW);
  const later = await openKeyRing((await reopen()).signingKeys, "RS256", NOW);
  expect(later.active()).toMatchObject({ kid: first.active()?.kid, alg: "ES256" });
});

test("a later opening finds the same key", async () => {
  const { store, reopen } = await openDatabase();
  const first = await openKeyRing(store.signingKeys, "RS256", NOW);
  const later = await openKeyRing((await reopen()).signingKeys, "RS256", NOW + 86_400_000);
  expect(later.active()?.kid).toBe(first.active()?.kid);
  expect(later.published()).toEqual(first.published());
});

test("rings that are opened at once on one store agree", async () => {
  const { store, reopen } = await openDatabase();
  const other = await reopen();
  const rings = await Promise.all(
    [store, other, store, other].map((each) => openKeyRing(each.signingKeys, "RS256", NOW)),
  );
  expect(new Set(rings.map(({ active }) => active()?.kid)).size).toBe(1);
  expect(new Set(rings.map(({ published }) => JSON.stringify(published()))).size).toBe(1);
});

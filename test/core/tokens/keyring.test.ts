// The key ring: one key whoever opens it, named by its thumbprint.

import { createHash, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { expect, test } from "vitest";
import { openKeyRing } from "../../../src/core/tokens/keyring.ts";
import { openDatabase } from "../../store/database.ts";

const NOW = 1_764_000_000_000;

test("a first opening makes an RSA key of 2048 bits, and keeps it", async () => {
  const { store } = await openDatabase();
  const ring = await openKeyRing(store, NOW);
  const kept = await store.active();
  expect(kept).toMatchObject({ kid: ring.active()?.kid, alg: "RS256", createdAt: NOW });
  const key = createPrivateKey({ key: Buffer.from(kept?.privateKey ?? []), format: "der", type: "pkcs8" });
  expect(key.asymmetricKeyType).toBe("rsa");
  expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65537n });
});

test("the published key is the public half of the one that signs, and nothing more", async () => {
  const { store } = await openDatabase();
  const ring = await openKeyRing(store, NOW);
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
  const kept = await store.active();
  const privateKey = createPrivateKey({ key: Buffer.from(kept?.privateKey ?? []), format: "der", type: "pkcs8" });
  const publicKey = createPublicKey({ key: { ...jwk }, format: "jwk" });
  const text = Buffer.from("message");
  expect(verify("sha256", text, publicKey, sign("sha256", text, privateKey))).toBe(true);
});

test("kid is the thumbprint of RFC 7638", async () => {
  const { store } = await openDatabase();
  const { active, published } = await openKeyRing(store, NOW);
  const canonical = `{"e":"${published()[0]?.["e"]}","kty":"RSA","n":"${published()[0]?.["n"]}"}`;
  expect(active()?.kid).toBe(createHash("sha256").update(canonical).digest("base64url"));
});

test("the key in memory cannot be exported", async () => {
  const { store } = await openDatabase();
  const { active } = await openKeyRing(store, NOW);
  expect(active()?.privateKey.extractable).toBe(false);
  expect(active()?.privateKey.usages).toEqual(["sign"]);
});

test("a later opening finds the same key", async () => {
  const { store, reopen } = await openDatabase();
  const first = await openKeyRing(store, NOW);
  const later = await openKeyRing(await reopen(), NOW + 86_400_000);
  expect(later.active()?.kid).toBe(first.active()?.kid);
  expect(later.published()).toEqual(first.published());
});

test("rings that are opened at once on one store agree", async () => {
  const { store, reopen } = await openDatabase();
  const other = await reopen();
  const rings = await Promise.all([store, other, store, other].map((each) => openKeyRing(each, NOW)));
  expect(new Set(rings.map(({ active }) => active()?.kid)).size).toBe(1);
  expect(new Set(rings.map(({ published }) => JSON.stringify(published()))).size).toBe(1);
});

// The key ring: every opener gets the same keys, named by their thumbprints, and follows the store.

import { createHash, createPrivateKey } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { AuthError } from "../../../src/core/errors.ts";
import type { KeyRing } from "../../../src/core/tokens/keyring.ts";
import { activePrivateKey, DAY_MS, NOW, openRing } from "../../keyring/ring.ts";
import { openDatabase } from "../../store/database.ts";

const kidsOf = (ring: KeyRing): readonly string[] => ring.published().map(({ kid }) => kid);

test("a first opening makes an RSA key of 2048 bits and another to sign next, and keeps both", async () => {
  const { store } = await openDatabase();
  const ring = await openRing(store.signingKeys, { alg: "RS256" });
  const { keys } = await store.signingKeys.read();
  expect(keys).toHaveLength(2);
  expect(keys).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kid: ring.active()?.kid, alg: "RS256", state: "active", createdAt: NOW }),
      expect.objectContaining({ alg: "RS256", state: "next", createdAt: NOW, activatedAt: undefined }),
    ]),
  );
  const key = createPrivateKey({ key: await activePrivateKey(store.signingKeys), format: "der", type: "pkcs8" });
  expect(key.asymmetricKeyType).toBe("rsa");
  expect(key.asymmetricKeyDetails).toEqual({ modulusLength: 2048, publicExponent: 65537n });
});

test("publishes the public half of the signing key, then of the next, by their thumbprints (RFC 7638)", async () => {
  const { store } = await openDatabase();
  const ring = await openRing(store.signingKeys, { alg: "RS256" });
  const [jwk, next, ...others] = ring.published();
  expect(others).toEqual([]);
  const members = { kty: "RSA", alg: "RS256", use: "sig", n: expect.stringMatching(/^[\w-]{342}$/), e: "AQAB" };
  const canonical = `{"e":"AQAB","kty":"RSA","n":"${jwk?.["n"]}"}`;
  expect(jwk).toEqual({ ...members, kid: createHash("sha256").update(canonical).digest("base64url") });
  expect(next).toEqual({ ...members, kid: expect.stringMatching(/^[\w-]{43}$/) });
  expect([ring.active()?.kid, next?.kid === jwk?.kid]).toEqual([jwk?.kid, false]);
});

test("the ring does not expose the private key", async () => {
  const { store } = await openDatabase();
  const { active } = await openRing(store.signingKeys);
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
    const { active, published, find } = await openRing(store.signingKeys, { alg });
    const kid = active()?.kid ?? "";
    expect(published()[0]).toEqual({ kid, alg, use: "sig", ...members });
    const key = find(kid);
    expect(typeof key === "object" && key.export({ format: "jwk" })).toEqual(members);
    const token = (await active()?.signClaims({ sub: "é \u{1f511}" })) ?? "";
    const keys = createLocalJWKSet({ keys: published().map((key) => ({ ...key })) });
    const { payload, protectedHeader } = await jwtVerify(token, keys, { algorithms: [alg], typ: "JWT" });
    expect(payload).toEqual({ sub: "é \u{1f511}" });
    expect(protectedHeader).toEqual({ alg, typ: "JWT", kid });
    await expect(jwtVerify(`${token.slice(0, -6)}AAAAAA`, keys)).rejects.toThrow("signature");
  },
);

test("rings that are opened at once on one store agree", async () => {
  const { store, reopen } = await openDatabase();
  const other = await reopen();
  const rings = await Promise.all([store, other, store, other].map((each) => openRing(each.signingKeys)));
  expect(new Set(rings.map((ring) => JSON.stringify([ring.active()?.kid, kidsOf(ring)]))).size).toBe(1);
});

test("a ring read two seconds ago is read again before it signs; without the store it signs nothing", async () => {
  const { store, reopen, close } = await openDatabase();
  let elapsed = 0;
  let reads = 0;
  const read = (): ReturnType<typeof store.signingKeys.read> => {
    reads++;
    return store.signingKeys.read();
  };
  const ring = await openRing({ ...store.signingKeys, read }, { elapsed: () => elapsed });
  await openRing((await reopen()).signingKeys, { now: () => NOW + 90 * DAY_MS });
  const [first, next] = kidsOf(ring);
  elapsed = 1_999;
  expect([ring.confirm(), ring.active()?.kid]).toEqual([undefined, first]);
  elapsed = 2_000;
  reads = 0;
  await Promise.all([ring.confirm(), ring.confirm()]);
  expect([reads, ring.confirm(), ring.active()?.kid]).toEqual([1, undefined, next]);
  elapsed = 4_000;
  await close();
  await expect(ring.confirm()).rejects.toThrow(AuthError);
});

test("a key of an unknown algorithm is published and logged, and does not stop signing", async () => {
  const { store, database } = await openDatabase();
  const faults: string[] = [];
  const onFault = (error: unknown): void => void faults.push(String(error));
  const ring = await openRing(store.signingKeys, { onFault });
  const jwk = { kid: "newer", kty: "AKP", alg: "ML-DSA-44", use: "sig", pub: "AAAA" };
  await database.db
    .insertInto("signing_keys")
    .values({
      kid: "newer",
      alg: "ML-DSA-44",
      state: "retired",
      sealed_private_key: Buffer.alloc(0),
      public_jwk: JSON.stringify(jwk),
      created_at: NOW,
      activated_at: NOW,
      retired_at: NOW,
    })
    .execute();
  await ring.refresh();
  expect(faults).toEqual(["Error: the signing key newer cannot be used by this gateway"]);
  expect(ring.active()).toBeDefined();
  expect(ring.published()).toContainEqual(jwk);
  expect(ring.find("newer")).toBeUndefined();
  // Also at a start.
  expect((await openRing(store.signingKeys, { onFault })).active()?.kid).toBe(ring.active()?.kid);
});

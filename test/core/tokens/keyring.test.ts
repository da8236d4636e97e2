// The key ring: every ring on a store has the same keys.

import { calculateJwkThumbprint, createLocalJWKSet, jwtVerify } from "jose";
import { expect, test, vi } from "vitest";
import { AuthError } from "../../../src/core/errors.ts";
import type { KeyRing } from "../../../src/core/tokens/keyring.ts";
import { change, keyNamed } from "../../contracts/store-tokens.ts";
import { DAY_MS, NOW, openRing } from "../../keyring/ring.ts";
import { openDatabase } from "../../store/database.ts";

/** Base64url of 32 bytes. */
const COORDINATE = expect.stringMatching(/^[\w-]{43}$/);

const kidsOf = (ring: KeyRing): readonly string[] => ring.published().map(({ kid }) => kid);

test.each([
  ["RS256", { kty: "RSA", n: expect.stringMatching(/^[\w-]{342}$/), e: "AQAB" }],
  ["ES256", { kty: "EC", crv: "P-256", x: COORDINATE, y: COORDINATE }],
  ["EdDSA", { kty: "OKP", crv: "Ed25519", x: COORDINATE }],
] as const)("the first ring makes an active and a next key of %s, and stores both", async (alg, key) => {
  const { store } = await openDatabase();
  const { active, published, find } = await openRing(store.signingKeys, { alg });
  const kid = active()?.kid ?? "";
  const kids = await Promise.all(published().map((jwk) => calculateJwkThumbprint({ ...jwk })));
  expect(published()).toEqual(kids.map((thumbprint) => ({ kid: thumbprint, alg, use: "sig", ...key })));
  expect([kids.length, kids[0], new Set(kids).size]).toEqual([2, kid, 2]);
  const { keys } = await store.signingKeys.read();
  expect(keys.toSorted((one, other) => one.state.localeCompare(other.state))).toMatchObject([
    { kid, alg, state: "active", createdAt: NOW },
    { kid: kids[1], alg, state: "next", createdAt: NOW, activatedAt: undefined },
  ]);
  // Nothing shows the private key.
  expect(Object.keys(active() ?? {}).sort()).toEqual(["alg", "kid", "signClaims"]);

  const found = find(kid);
  expect(typeof found === "object" && found.export({ format: "jwk" })).toEqual(key);
  const token = (await active()?.signClaims({ sub: "é \u{1f511}" })) ?? "";
  const jwks = createLocalJWKSet({ keys: published().map((one) => ({ ...one })) });
  const { payload, protectedHeader } = await jwtVerify(token, jwks, { algorithms: [alg], typ: "JWT" });
  expect(payload).toEqual({ sub: "é \u{1f511}" });
  expect(protectedHeader).toEqual({ alg, typ: "JWT", kid });
  await expect(jwtVerify(`${token.slice(0, -6)}AAAAAA`, jwks)).rejects.toThrow("signature");
});

test("rings that are opened at once on one store agree", async () => {
  const { store, reopen } = await openDatabase();
  const other = await reopen();
  const rings = await Promise.all([store, other, store, other].map((each) => openRing(each.signingKeys)));
  expect(new Set(rings.map((ring) => JSON.stringify([ring.active()?.kid, kidsOf(ring)]))).size).toBe(1);
});

test("a ring reads the store again after two seconds, and signs nothing without the store", async () => {
  const { store, reopen, close } = await openDatabase();
  let elapsed = 0;
  const read = vi.fn(store.signingKeys.read);
  const ring = await openRing({ ...store.signingKeys, read }, { elapsed: () => elapsed });
  await openRing((await reopen()).signingKeys, { now: () => NOW + 90 * DAY_MS });
  const [first, next] = kidsOf(ring);
  elapsed = 1_999;
  expect([ring.confirm(), ring.active()?.kid]).toEqual([undefined, first]);
  elapsed = 2_000;
  read.mockClear();
  await Promise.all([ring.confirm(), ring.confirm()]);
  expect(read).toHaveBeenCalledTimes(1);
  expect([ring.confirm(), ring.active()?.kid]).toEqual([undefined, next]);
  elapsed = 4_000;
  await close();
  await expect(ring.confirm()).rejects.toThrow(AuthError);
});

test("a key of an unknown algorithm is published and logged, and does not stop signing", async () => {
  const { store } = await openDatabase();
  const faults: string[] = [];
  const onFault = (error: unknown): void => void faults.push(String(error));
  const ring = await openRing(store.signingKeys, { onFault });
  const jwk = { kid: "newer", kty: "AKP", alg: "ML-DSA-44", use: "sig", pub: "AAAA" } as const;
  const newer = keyNamed("newer", { alg: "ML-DSA-44", publicJwk: jwk, state: "retired", retiredAt: NOW });
  await store.signingKeys.change(() => change({ put: [newer] }));
  await ring.refresh();
  expect(faults).toEqual(["Error: the signing key newer cannot be used by this gateway"]);
  expect(ring.active()).toBeDefined();
  expect(ring.published()).toContainEqual(jwk);
  expect(ring.find("newer")).toBeUndefined();
  // A ring that opens later signs, too.
  expect((await openRing(store.signingKeys, { onFault })).active()?.kid).toBe(ring.active()?.kid);
});

// Rotation: when the next key signs, what is made then, and that it is one change whoever is there.

import { expect, test } from "vitest";
import { CLOCKS_APART_MS } from "../../../src/core/ports.ts";
import { GATEWAY } from "../../../src/core/registry/ports.ts";
import type { KeyRing } from "../../../src/core/tokens/keyring.ts";
import type { SigningKey } from "../../../src/core/tokens/ports.ts";
import { PUBLISH_MS, tokenLife } from "../../../src/core/tokens/rotation.ts";
import { FIRST } from "../../contracts/store-samples.ts";
import { DAY_MS, dueAt, NOW, openRing, RULES } from "../../keyring/ring.ts";
import { openDatabase, type TestDatabase } from "../../store/database.ts";

async function statesOf({ store }: TestDatabase): Promise<Readonly<Record<string, SigningKey["state"]>>> {
  const { keys } = await store.signingKeys.read();
  return Object.fromEntries(keys.map(({ kid, state }) => [kid, state]));
}

function kidsOf(ring: KeyRing): readonly [active: string, next: string, ...retired: string[]] {
  const [active = "", next = "", ...retired] = ring.published().map(({ kid }) => kid);
  return [active, next, ...retired];
}

test("a key is published for longer than any verifier keeps what it fetched before", () => {
  // The JWKS' max-age, what verifiers may keep it beyond that, and clocks.
  expect(PUBLISH_MS).toBe((300 + 600 + 300) * 1_000);
});

test("after 90 days the next key signs, another is next, and that is told once", async () => {
  const opened = await openDatabase();
  let now = NOW;
  const ring = await openRing(opened.store.signingKeys, { now: () => now });
  const [first, second] = kidsOf(ring);
  expect(await dueAt(opened.store.signingKeys)).toBe(NOW + 90 * DAY_MS);
  now = NOW + 90 * DAY_MS - 1;
  await ring.keepUp();
  expect(ring.active()?.kid).toBe(first);
  now += 1;
  await ring.keepUp();
  await ring.keepUp();
  const [active, third] = kidsOf(ring);
  expect(active).toBe(second);
  expect(await statesOf(opened)).toEqual({ [first]: "retired", [second]: "active", [third]: "next" });
  expect(await dueAt(opened.store.signingKeys)).toBe(now + 90 * DAY_MS);
  const { items } = await opened.store.audit.list(FIRST);
  expect(items.map(({ action, resource, actor, details }) => [action, resource, actor.tokenId, details])).toEqual([
    ["CreateSigningKey", `signing-keys/${third}`, GATEWAY.tokenId, { alg: "ES256" }],
    ["RotateSigningKey", `signing-keys/${second}`, GATEWAY.tokenId, { in_place_of: first }],
    ["CreateSigningKey", `signing-keys/${second}`, GATEWAY.tokenId, { alg: "ES256" }],
    ["CreateSigningKey", `signing-keys/${first}`, GATEWAY.tokenId, { alg: "ES256" }],
  ]);
});

test("a next key that was made a moment ago is published first, whatever is due", async () => {
  const { store } = await openDatabase();
  let now = NOW;
  const ring = await openRing(store.signingKeys, { now: () => now, rotateEveryMs: 1 });
  expect(await dueAt(store.signingKeys, { rotateEveryMs: 1 })).toBe(NOW + PUBLISH_MS);
  now = NOW + PUBLISH_MS - 1;
  const [first] = kidsOf(ring);
  await ring.keepUp();
  expect(ring.active()?.kid).toBe(first);
});

test("without a schedule a key signs until somebody says so", async () => {
  const { store } = await openDatabase();
  let now = NOW;
  const ring = await openRing(store.signingKeys, { now: () => now, rotateEveryMs: undefined });
  const [first] = kidsOf(ring);
  now += 3_650 * DAY_MS;
  await ring.keepUp();
  expect(ring.active()?.kid).toBe(first);
});

test("gateways that find a rotation due at once make one", async () => {
  const opened = await openDatabase();
  let now = NOW;
  const stores = [opened.store, await opened.reopen(), await opened.reopen()];
  const rings = await Promise.all(stores.map(({ signingKeys }) => openRing(signingKeys, { now: () => now })));
  for (let round = 1; round <= 5; round++) {
    now += 90 * DAY_MS;
    await Promise.all(rings.map((ring) => ring.keepUp()));
    const lists = rings.map((ring) => JSON.stringify(kidsOf(ring)));
    expect(new Set(lists).size).toBe(1);
  }
  const states = Object.values(await statesOf(opened));
  expect(states.filter((state) => state === "active")).toHaveLength(1);
  expect(states.filter((state) => state === "next")).toHaveLength(1);
  const { items } = await opened.store.audit.list(FIRST);
  expect(items.filter(({ action }) => action === "RotateSigningKey")).toHaveLength(5);
});

test("a key of before there were rotations signs for 90 days from when the first next one was made", async () => {
  const opened = await openDatabase();
  await openRing(opened.store.signingKeys);
  await opened.database.db.deleteFrom("signing_keys").where("state", "=", "next").execute();
  await opened.database.db.updateTable("signing_keys").set({ activated_at: null, token_life_ms: 0 }).execute();
  const later = NOW + 400 * DAY_MS;
  const ring = await openRing(opened.store.signingKeys, { now: () => later });
  expect(ring.published()).toHaveLength(2);
  expect(await dueAt(opened.store.signingKeys)).toBe(later + 90 * DAY_MS);
  const { keys } = await opened.store.signingKeys.read();
  expect(keys.map(({ tokenLifeMs }) => tokenLifeMs)).toEqual([RULES.tokenLifeMs, RULES.tokenLifeMs]);
});

test("tokens of a gateway whose TOKEN_TTL is the longest decide how long a key is published", async () => {
  const { store } = await openDatabase();
  let now = NOW;
  const ring = await openRing(store.signingKeys, { now: () => now });
  await openRing(store.signingKeys, { now: () => now, tokenLifeMs: DAY_MS });
  const [first] = kidsOf(ring);
  now += 90 * DAY_MS;
  await ring.keepUp();
  now += DAY_MS - 1;
  expect(kidsOf(ring)).toContain(first);
  now += 1;
  expect(kidsOf(ring)).not.toContain(first);
});

test("a gateway whose clock is ahead publishes a key until its own last token has expired, however small CLOCK_SKEW is", async () => {
  const { store, reopen } = await openDatabase();
  const ttlMs = 600_000;
  const tokenLifeMs = tokenLife({ ttlMs, skewMs: 10_000 });
  let now = NOW;
  const ring = await openRing(store.signingKeys, { now: () => now, tokenLifeMs });
  const nowAhead = (): number => now + CLOCKS_APART_MS;
  const ahead = await openRing((await reopen()).signingKeys, { now: nowAhead, tokenLifeMs, rotateEveryMs: undefined });
  const [first] = kidsOf(ring);
  now += 90 * DAY_MS;
  const expiresAt = nowAhead() + ttlMs;
  await ring.keepUp();
  await ahead.refresh();
  now = expiresAt;
  expect(kidsOf(ahead)).toContain(first);
});

test("where the active key was given up the next one signs, and where nothing is left two are made", async () => {
  const opened = await openDatabase();
  const { db } = opened.database;
  let now = NOW;
  const ring = await openRing(opened.store.signingKeys, { now: () => now });
  const [first, second] = kidsOf(ring);
  await db.updateTable("signing_keys").set({ state: "retired" }).where("kid", "=", first).execute();
  now += 1;
  await ring.keepUp();
  expect(kidsOf(ring)).toEqual([second, expect.any(String), first]);
  // Of one that was given up nobody noted for how long its tokens are good.
  const { keys } = await opened.store.signingKeys.read();
  expect(keys.find(({ kid }) => kid === first)).toMatchObject({ publishedUntil: now + RULES.tokenLifeMs });
  await db.deleteFrom("signing_keys").execute();
  await ring.keepUp();
  expect(Object.values(await statesOf(opened)).sort()).toEqual(["active", "next"]);
});

// Rotation by schedule, by hand and for another algorithm: when the next key signs, and that concurrent rotations are one change.

import { expect, test } from "vitest";
import { SEEN_MS } from "../../../src/core/registry/ports.ts";
import { TOKEN_ALGS } from "../../../src/core/tokens/algorithms.ts";
import type { SigningKeyStore } from "../../../src/core/tokens/ports.ts";
import { PUBLISH_MS, RETIRED_MS } from "../../../src/core/tokens/rotation.ts";
import { createSigningKeys } from "../../../src/core/tokens/signing-keys.ts";
import { ACTOR } from "../../contracts/store-samples.ts";
import { newKey, openSigningKeys } from "../../keyring/open-signing-keys.ts";
import { DAY_MS, NOW, openRing, RULES } from "../../keyring/ring.ts";

test("before a key signs, it is published for longer than any verifier caches the JWKS", () => {
  // The JWKS's max-age, plus the longest further caching by verifiers, plus the difference of clocks.
  expect(PUBLISH_MS).toBe((300 + 600 + 300) * 1_000);
});

test("after 90 days the next key signs and another becomes next; the retired one is published for two days", async () => {
  const { opened, ring, keys, clock, published, notes } = await openSigningKeys();
  const [first = "", second] = published();
  clock.now = NOW + 90 * DAY_MS - 1;
  await ring.keepUp();
  expect(published()).toEqual([first, second]);
  expect((await keys.list()).find(({ kid }) => kid === first)?.rotationTime).toBe(NOW + 90 * DAY_MS);
  clock.now += 1;
  await ring.keepUp();
  await ring.keepUp();
  expect(published()).toEqual([second, expect.any(String), first]);
  expect(await notes()).toEqual([
    ["CreateSigningKey", `signing-keys/${published()[1]}`, { alg: "ES256" }],
    ["RotateSigningKey", `signing-keys/${second}`, { in_place_of: first }],
  ]);

  clock.now += RETIRED_MS - 1;
  await ring.keepUp();
  expect([published()[2], ring.find(first)]).toMatchObject([first, { type: "public" }]);
  clock.now += 1;
  await ring.keepUp();
  expect([published().length, ring.find(first)]).toEqual([2, undefined]);
  expect((await opened.store.signingKeys.read()).keys).toHaveLength(2);
});

test.for([
  ["while the next one was not published for long enough, even after its rotation time", 1, PUBLISH_MS - 1],
  ["without a schedule, until an operator rotates", undefined, 3_650 * DAY_MS],
] as const)("a key keeps signing %s", async ([, rotateEveryMs, after]) => {
  const { ring, clock, published } = await openSigningKeys({ rotateEveryMs });
  const [first] = published();
  clock.now += after;
  await ring.keepUp();
  expect(published()[0]).toBe(first);
});

test("rotate fails until the next key was published for long enough, and says how long to wait", async () => {
  const { keys, clock, published, notes } = await openSigningKeys();
  const [first, second] = published();
  clock.now += PUBLISH_MS - 1_000;
  const message =
    "the next key was published 1199 s ago and services may not have it. Rotate in 1 s. With --now (now in the API) the key rotates at once, and services refuse its tokens until they fetch the keys";
  await expect(keys.rotate(false, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition", message });
  expect([published()[0], await notes()]).toEqual([first, []]);
  clock.now += 1_000;
  expect((await keys.rotate(false, ACTOR)).active.kid).toBe(second);
  expect(published()).toEqual([second, expect.any(String), first]);

  // --now needs a second, in which every gateway sees the next key.
  const [, third] = published();
  clock.now += SEEN_MS - 1;
  await expect(keys.rotate(true, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition" });
  clock.now += 1;
  expect((await keys.rotate(true, ACTOR)).active.kid).toBe(third);
});

test("a next key that cannot be unsealed does not replace the active one", async () => {
  const { opened, clock, keys, published, ring } = await openSigningKeys();
  const before = published();
  await opened.database.db
    .updateTable("signing_keys")
    .set({ sealed_private_key: Buffer.alloc(3) })
    .where("kid", "=", before[1] ?? "")
    .execute();
  clock.now += PUBLISH_MS;
  await expect(keys.rotate(true, ACTOR)).rejects.toThrow("signing_key");
  await ring.refresh();
  expect(published()).toEqual(before);
});

test("one of concurrent rotations wins, at any gateway, by hand or by schedule, and all return its result", async () => {
  const { opened, keys, clock, ring, published, notes } = await openSigningKeys();
  for (let round = 1; round <= 3; round++) {
    const [first, second] = published();
    clock.now += 90 * DAY_MS;
    const store = (await opened.reopen()).signingKeys;
    const other = createSigningKeys(store, ring, RULES, () => clock.now);
    const asked = [keys, other, keys, other].map((each) => each.rotate(round === 2, ACTOR));
    const [, ...rotations] = await Promise.all([ring.keepUp(), ...asked]);
    const next = published()[1];
    expect(published().slice(0, 3)).toEqual([second, next, first]);
    for (const rotation of rotations) expect(rotation).toMatchObject({ active: { kid: second }, next: { kid: next } });
    expect(await notes()).toHaveLength(2 * round);
  }
});

test("a rotation between an operator's read and request counts as the operator's", async () => {
  const { opened, ring, clock, published } = await openSigningKeys();
  const [first, second] = published();
  clock.now += 90 * DAY_MS;
  const { signingKeys } = opened.store;
  const store: SigningKeyStore = {
    ...signingKeys,
    async change(decide) {
      await ring.keepUp();
      await signingKeys.change(decide);
    },
  };
  const keys = createSigningKeys(store, ring, RULES, () => clock.now);
  expect((await keys.rotate(true, ACTOR)).active.kid).toBe(second);
  expect(published()).toEqual([second, expect.any(String), first]);
});

test("without an active key the next one signs, and without any key two are made", async () => {
  const { opened, ring, clock, published } = await openSigningKeys();
  const { db } = opened.database;
  const [first = "", second] = published();
  await db.updateTable("signing_keys").set({ state: "retired", retired_at: NOW }).where("kid", "=", first).execute();
  clock.now += 1;
  await ring.keepUp();
  expect(published()).toEqual([second, expect.any(String), first]);
  await db.deleteFrom("signing_keys").execute();
  await ring.keepUp();
  expect((await opened.store.signingKeys.read()).keys.map(({ state }) => state).sort()).toEqual(["active", "next"]);
});

test.for(TOKEN_ALGS)(
  "a start with TOKEN_ALG %s replaces the next key, and the new one signs once it was published for long enough",
  async (alg) => {
    const { opened, ring: before, clock } = await openSigningKeys({ alg: alg === "ES256" ? "EdDSA" : "ES256" });
    const now = (): number => clock.now;
    const ring = await openRing((await opened.reopen()).signingKeys, { alg, now, rotateEveryMs: undefined });
    const algs = (): readonly string[] => ring.published().map((key) => key.alg);
    const [active, unused] = before.published();
    expect(algs()).toEqual([active?.alg, alg]);
    const { keys } = await opened.store.signingKeys.read();
    expect(keys.map(({ kid }) => kid)).not.toContain(unused?.kid);
    // A running gateway with the former TOKEN_ALG does not replace the next key.
    await before.keepUp();
    clock.now += PUBLISH_MS - 1;
    await ring.keepUp();
    expect(ring.active()?.kid).toBe(active?.kid);
    clock.now += 1;
    await before.keepUp();
    await ring.keepUp();
    await before.keepUp();
    expect(algs()).toEqual([alg, alg, active?.alg]);
  },
);

test("a replaced next key is logged", async () => {
  const { opened, keys, published, notes } = await openSigningKeys();
  const [, second] = published();
  await keys.import({ privateKey: newKey(), kid: "new", asNext: true }, ACTOR);
  await openRing((await opened.reopen()).signingKeys, { alg: "EdDSA" });
  expect((await notes()).slice(1)).toEqual([
    ["RemoveSigningKey", "signing-keys/new", { state: "next", because: "other_algorithm" }],
    ["ImportSigningKey", "signing-keys/new", { alg: "ES256", as: "next" }],
    ["RemoveSigningKey", `signing-keys/${second}`, { state: "next", because: "import" }],
  ]);
});

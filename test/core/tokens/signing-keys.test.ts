// Signing keys over a real store: rotation, revocation and import.

import { describe, expect, test } from "vitest";
import { SEEN_MS } from "../../../src/core/registry/ports.ts";
import { TOKEN_ALGS, type TokenAlg } from "../../../src/core/tokens/algorithms.ts";
import type { SigningKeyStore } from "../../../src/core/tokens/ports.ts";
import { PUBLISH_MS, RETIRED_MS, type RingRules } from "../../../src/core/tokens/rotation.ts";
import { createSigningKeys } from "../../../src/core/tokens/signing-keys.ts";
import { ACTOR, FIRST } from "../../contracts/store-samples.ts";
import { DAY_MS, NOW, openRing, RULES } from "../../keyring/ring.ts";
import { openDatabase } from "../../store/database.ts";
import { makeKeys } from "../../vectors/forge.ts";

/** Opens signing keys of ES256, unless told otherwise, with a clock that tests set. */
async function open(rules: Partial<RingRules> = {}) {
  const { store, database, reopen } = await openDatabase();
  const clock = { now: NOW };
  const now = (): number => clock.now;
  const ring = await openRing(store.signingKeys, { now, ...rules });
  const keysOn = (each: SigningKeyStore) => createSigningKeys(each, ring, { ...RULES, ...rules }, now);
  /** The kids that are published, the active one first. */
  const published = () => ring.published().map(({ kid }) => kid);
  /** The audit events, the newest first, without the two of opening the ring. */
  const notes = async (): Promise<readonly unknown[]> => {
    const { items } = await store.audit.list(FIRST);
    return items.slice(0, -2).map(({ action, resource, details }) => [action, resource, details]);
  };
  const keys = keysOn(store.signingKeys);
  /** Imports a new key, under its thumbprint and as the active one unless told otherwise. */
  const importKey = (draft: Partial<Parameters<typeof keys.import>[0]> = {}) =>
    keys.import({ privateKey: newKey(), kid: "", asNext: false, ...draft }, ACTOR);
  return { ...store, ...database, reopen, ring, clock, keysOn, keys, importKey, published, notes };
}

/** A private key of another server, in PEM. */
function newKey(alg: TokenAlg = "ES256"): string {
  return makeKeys(alg).privateKey.export({ format: "pem", type: "pkcs8" }).toString();
}

const REFUSED = { reason: "failed_precondition" };

describe("rotation", () => {
  test("after 90 days the next key signs and another becomes next; the retired one is published for two days", async () => {
    const { signingKeys, ring, keys, clock, published, notes } = await open();
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
    expect((await signingKeys.read()).keys).toHaveLength(2);
  });

  test.for([
    ["while the next one was not published for long enough, even after its rotation time", 1, PUBLISH_MS - 1],
    ["without a schedule, until an operator rotates", undefined, 3_650 * DAY_MS],
  ] as const)("a key keeps signing %s", async ([, rotateEveryMs, after]) => {
    const { ring, clock, published } = await open({ rotateEveryMs });
    const [first] = published();
    clock.now += after;
    await ring.keepUp();
    expect(published()[0]).toBe(first);
  });

  test("by hand fails until the next key was published for long enough, and says how long to wait", async () => {
    const { keys, clock, published, notes } = await open();
    const [first, second] = published();
    // The JWKS's max-age, the longest further caching by verifiers and the difference of clocks are 1,200 s.
    clock.now += PUBLISH_MS - 1_000;
    const message =
      "the next key was published 1199 s ago and services may not have it. Rotate in 1 s. With --now (now in the API) the key rotates at once, and services refuse its tokens until they fetch the keys";
    await expect(keys.rotate(false, ACTOR)).rejects.toMatchObject({ ...REFUSED, message });
    expect([published()[0], await notes()]).toEqual([first, []]);
    clock.now += 1_000;
    expect((await keys.rotate(false, ACTOR)).active.kid).toBe(second);
    expect(published()).toEqual([second, expect.any(String), first]);

    // --now needs a second, in which every gateway sees the next key.
    const [, third] = published();
    clock.now += SEEN_MS - 1;
    await expect(keys.rotate(true, ACTOR)).rejects.toMatchObject(REFUSED);
    clock.now += 1;
    expect((await keys.rotate(true, ACTOR)).active.kid).toBe(third);
  });

  test("does not replace the active key by one that cannot be unsealed", async () => {
    const { db, clock, keys, published, ring } = await open();
    const before = published();
    const broken = db.updateTable("signing_keys").set({ sealed_private_key: Buffer.alloc(3) });
    await broken.where("kid", "=", before[1] ?? "").execute();
    clock.now += PUBLISH_MS;
    await expect(keys.rotate(true, ACTOR)).rejects.toThrow("signing_key");
    await ring.refresh();
    expect(published()).toEqual(before);
  });

  test("happens once of many at the same time, at any gateway, by hand or by schedule, and all return its result", async () => {
    const { reopen, keysOn, keys, clock, ring, published, notes } = await open();
    for (let round = 1; round <= 3; round++) {
      const [first, second] = published();
      clock.now += 90 * DAY_MS;
      const other = keysOn((await reopen()).signingKeys);
      const asked = [keys, other, keys, other].map((each) => each.rotate(round === 2, ACTOR));
      const [, ...rotations] = await Promise.all([ring.keepUp(), ...asked]);
      const next = published()[1];
      expect(published().slice(0, 3)).toEqual([second, next, first]);
      expect(rotations).toMatchObject(Array(4).fill({ active: { kid: second }, next: { kid: next } }));
      expect(await notes()).toHaveLength(2 * round);
    }
  });

  test("without an active key the next one signs, and without any key two are made", async () => {
    const { signingKeys, db, ring, clock, published } = await open();
    const [first = "", second] = published();
    await db.updateTable("signing_keys").set({ state: "retired", retired_at: NOW }).where("kid", "=", first).execute();
    clock.now += 1;
    await ring.keepUp();
    expect(published()).toEqual([second, expect.any(String), first]);
    await db.deleteFrom("signing_keys").execute();
    await ring.keepUp();
    expect((await signingKeys.read()).keys.map(({ state }) => state).sort()).toEqual(["active", "next"]);
  });

  test.for(TOKEN_ALGS)(
    "a start with TOKEN_ALG %s replaces the next key, and the new one signs once it was published for long enough",
    async (alg) => {
      const { signingKeys, reopen, ring: before, clock } = await open({ alg: alg === "ES256" ? "EdDSA" : "ES256" });
      const now = (): number => clock.now;
      const ring = await openRing((await reopen()).signingKeys, { alg, now, rotateEveryMs: undefined });
      const algs = (): readonly string[] => ring.published().map((key) => key.alg);
      const [active, unused] = before.published();
      expect(algs()).toEqual([active?.alg, alg]);
      const { keys } = await signingKeys.read();
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
});

test("a revoked key is published no more, for ever, and another takes its place", async () => {
  const { keys, ring, clock, published, notes } = await open();
  const [first = "", second = ""] = published();
  const { revoked, active } = await keys.revoke(first, ACTOR);
  expect([revoked.state, revoked.retiredAt, active.kid]).toEqual(["revoked", NOW, second]);
  expect(published()).toEqual([second, expect.any(String)]);
  const [, third = ""] = published();
  expect(await notes()).toEqual([
    ["CreateSigningKey", `signing-keys/${third}`, { alg: "ES256" }],
    ["RotateSigningKey", `signing-keys/${second}`, {}],
    ["RevokeSigningKey", `signing-keys/${first}`, { state: "active" }],
  ]);
  // Again: no further effect.
  expect((await keys.revoke(first, ACTOR)).active.kid).toBe(second);
  expect(await notes()).toHaveLength(3);

  await keys.revoke(third, ACTOR);
  expect(published()).toEqual([second, expect.not.stringMatching(third)]);
  clock.now += SEEN_MS;
  await keys.rotate(true, ACTOR);
  expect(ring.find(second)).toMatchObject({ type: "public" });
  await keys.revoke(second, ACTOR);
  expect(published()).toHaveLength(2);
  clock.now += 1_000 * DAY_MS;
  await ring.keepUp();
  for (const kid of [first, second, third]) expect(ring.find(kid)).toBe("revoked");
  await expect(keys.revoke("none", ACTOR)).rejects.toMatchObject({ reason: "does_not_exist" });
});

describe("an imported key", () => {
  test("signs at once, under its thumbprint, and rotates like any other", async () => {
    const { importKey, ring, clock, published, notes } = await open();
    const [first, second] = published();
    clock.now += DAY_MS;
    const imported = await importKey();
    const times = { createdAt: clock.now, rotationTime: clock.now + 90 * DAY_MS };
    expect(imported).toMatchObject({ alg: "ES256", state: "active", ...times });
    expect(imported.kid).toMatch(/^[\w-]{43}$/);
    expect(published()).toEqual([imported.kid, second, first]);
    expect(ring.active()).toMatchObject({ kid: imported.kid, alg: "ES256" });
    const note = ["ImportSigningKey", `signing-keys/${imported.kid}`, { alg: "ES256", as: "active" }];
    expect(await notes()).toEqual([note]);
    clock.now += 90 * DAY_MS;
    await ring.keepUp();
    expect(published()).toEqual([second, expect.any(String), imported.kid]);
  });

  test("replaces the next key, and is published first", async () => {
    const { keys, importKey, clock, published, reopen, notes } = await open();
    const [first, second] = published();
    clock.now += DAY_MS;
    const key = { privateKey: newKey(), kid: "old", asNext: true };
    for (const again of [key, key]) await importKey(again);
    expect(published()).toEqual([first, "old"]);
    const imported = [
      ["ImportSigningKey", "signing-keys/old", { alg: "ES256", as: "next" }],
      ["RemoveSigningKey", `signing-keys/${second}`, { state: "next", because: "import" }],
    ];
    expect(await notes()).toEqual(imported);
    clock.now += PUBLISH_MS;
    await keys.rotate(false, ACTOR);
    expect(published()).toEqual(["old", expect.any(String), first]);
    const [, next] = published();
    await openRing((await reopen()).signingKeys, { alg: "EdDSA" });
    const removed = ["RemoveSigningKey", `signing-keys/${next}`, { state: "next", because: "other_algorithm" }];
    expect((await notes()).slice(1, 2)).toEqual([removed]);
  });

  test.for([true, false])("is of TOKEN_ALG (next: %s)", async (asNext) => {
    const { importKey } = await open();
    const message = "this key is for EdDSA and new keys are for ES256. Set COUNTERSIGN_TOKEN_ALG to EdDSA first";
    const other = importKey({ privateKey: newKey("EdDSA"), asNext });
    await expect(other).rejects.toMatchObject({ ...REFUSED, message });
  });

  test("may be imported again, keeps its publication time, and cannot be next after it has signed", async () => {
    const { keys, importKey, clock, published, reopen, notes } = await open();
    const asActive = { privateKey: newKey(), kid: "old" };
    const asNext = { ...asActive, asNext: true };
    await importKey(asNext);
    clock.now += PUBLISH_MS;
    const active = await importKey(asActive);
    expect(active).toMatchObject({ createdAt: NOW, activatedAt: clock.now });
    // Importing the active key changes nothing.
    const before = [published(), await notes()];
    expect(await importKey(asActive)).toEqual(active);
    expect([published(), await notes()]).toEqual(before);
    await expect(importKey(asNext)).rejects.toMatchObject(REFUSED);

    clock.now += SEEN_MS;
    await keys.rotate(true, ACTOR);
    expect(published().indexOf("old")).toBeGreaterThan(1);
    await expect(importKey(asNext)).rejects.toMatchObject(REFUSED);
    expect(await importKey(asActive)).toMatchObject({ state: "active", createdAt: NOW });
    // A gateway that opens the database can sign with the key.
    expect((await openRing((await reopen()).signingKeys)).active()?.kid).toBe("old");
  });

  test("cannot be a revoked one, under any kid", async () => {
    const { keys, importKey } = await open();
    const privateKey = newKey();
    await importKey({ privateKey, kid: "old" });
    await keys.revoke("old", ACTOR);
    const message = "this key was revoked and signs no more. Import another";
    for (const kid of ["", "old", "new"]) {
      for (const asNext of [false, true]) {
        await expect(importKey({ privateKey, kid, asNext })).rejects.toMatchObject({ ...REFUSED, message });
      }
    }
  });

  test("has one kid, and its kid no other key", async () => {
    const { importKey, published } = await open();
    const privateKey = newKey();
    await importKey({ privateKey, kid: "old" });
    const before = published();
    for (const draft of [{ kid: "old" }, { kid: before[1] ?? "" }, { privateKey, kid: "new" }]) {
      await expect(importKey(draft)).rejects.toMatchObject({ reason: "already_exists" });
    }
    expect(published()).toEqual(before);
  });
});

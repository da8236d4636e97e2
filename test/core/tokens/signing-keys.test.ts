// Operators' changes to signing keys besides rotation: revoke, import.

import { describe, expect, test } from "vitest";
import { SEEN_MS } from "../../../src/core/registry/ports.ts";
import { PUBLISH_MS } from "../../../src/core/tokens/rotation.ts";
import { ACTOR } from "../../contracts/store-samples.ts";
import { newKey, openSigningKeys } from "../../keyring/open-signing-keys.ts";
import { DAY_MS, NOW, openRing } from "../../keyring/ring.ts";

test("a revoked key is published no more, for ever, and another takes its place", async () => {
  const { opened, keys, ring, clock, published, notes } = await openSigningKeys();
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
  const row = opened.database.db.selectFrom("signing_keys").where("kid", "=", first).select("sealed_private_key");
  expect((await row.executeTakeFirstOrThrow()).sealed_private_key).toHaveLength(0);
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

describe("import", () => {
  test("an imported key signs at once, under its thumbprint, and rotates like any other", async () => {
    const { keys, ring, clock, published, notes } = await openSigningKeys();
    const [first, second] = published();
    const privateKey = newKey();
    clock.now += DAY_MS;
    const imported = await keys.import({ privateKey, kid: "", asNext: false }, ACTOR);
    const times = { createdAt: clock.now, rotationTime: clock.now + 90 * DAY_MS };
    expect(imported).toMatchObject({ alg: "ES256", state: "active", ...times });
    expect(imported.kid).toMatch(/^[\w-]{43}$/);
    expect(published()).toEqual([imported.kid, second, first]);
    expect(ring.active()).toMatchObject({ kid: imported.kid, alg: "ES256" });
    const note = ["ImportSigningKey", `signing-keys/${imported.kid}`, { alg: "ES256", as: "active" }];
    expect(await notes()).toEqual([note]);
    clock.now += 90 * DAY_MS;
    await ring.keepUp();
    expect(published().slice(0, 1)).toEqual([second]);
    expect(published()[2]).toBe(imported.kid);
  });

  test("importing the active key changes nothing", async () => {
    const { keys, published, notes } = await openSigningKeys();
    const key = { privateKey: newKey(), kid: "old", asNext: false };
    const first = await keys.import(key, ACTOR);
    const before = await notes();
    expect(await keys.import(key, ACTOR)).toEqual(first);
    expect([published().length, await notes()]).toEqual([3, before]);
    await expect(keys.import({ ...key, asNext: true }, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition" });
  });

  test("an imported next key replaces the present one, and is published first", async () => {
    const { keys, clock, published } = await openSigningKeys();
    const [first] = published();
    clock.now += DAY_MS;
    const key = { privateKey: newKey(), kid: "old", asNext: true };
    await keys.import(key, ACTOR);
    await keys.import(key, ACTOR);
    expect(published()).toEqual([first, "old"]);
    clock.now += PUBLISH_MS;
    await keys.rotate(false, ACTOR);
    expect(published()).toEqual(["old", expect.any(String), first]);
  });

  test.for([true, false])("an imported key is of TOKEN_ALG (next: %s)", async (asNext) => {
    const { keys } = await openSigningKeys();
    const key = { privateKey: newKey("ed25519"), kid: "", asNext };
    const message = "this key is for EdDSA and new keys are for ES256. Set COUNTERSIGN_TOKEN_ALG to EdDSA first";
    await expect(keys.import(key, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition", message });
  });

  test("a published key may be imported again, and keeps its publication time", async () => {
    const { keys, clock, published, opened } = await openSigningKeys();
    const key = { privateKey: newKey(), kid: "old" };
    await keys.import({ ...key, asNext: true }, ACTOR);
    clock.now += PUBLISH_MS;
    const asActive = { ...key, asNext: false };
    expect(await keys.import(asActive, ACTOR)).toMatchObject({ createdAt: NOW, activatedAt: clock.now });
    clock.now += SEEN_MS;
    await keys.rotate(true, ACTOR);
    expect(published().indexOf("old")).toBeGreaterThan(1);
    await expect(keys.import({ ...key, asNext: true }, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition" });
    expect(await keys.import(asActive, ACTOR)).toMatchObject({ state: "active", createdAt: NOW });
    // A gateway that opens the database can sign with the key.
    expect((await openRing((await opened.reopen()).signingKeys)).active()?.kid).toBe("old");
  });

  test("a revoked key cannot be imported again, under any kid", async () => {
    const { keys } = await openSigningKeys();
    const privateKey = newKey();
    await keys.import({ privateKey, kid: "old", asNext: false }, ACTOR);
    await keys.revoke("old", ACTOR);
    const message = "this key was revoked and signs no more. Import another";
    for (const kid of ["", "old", "new"]) {
      for (const asNext of [false, true]) {
        const again = keys.import({ privateKey, kid, asNext }, ACTOR);
        await expect(again).rejects.toMatchObject({ reason: "failed_precondition", message });
      }
    }
  });

  test("a kid has one key, and a key one kid", async () => {
    const { keys, published } = await openSigningKeys();
    const privateKey = newKey();
    await keys.import({ privateKey, kid: "old", asNext: false }, ACTOR);
    const before = published();
    for (const draft of [
      { privateKey: newKey(), kid: "old" },
      { privateKey: newKey(), kid: before[1] ?? "" },
      { privateKey, kid: "new" },
    ]) {
      await expect(keys.import({ ...draft, asNext: false }, ACTOR)).rejects.toMatchObject({ reason: "already_exists" });
    }
    expect(published()).toEqual(before);
  });
});

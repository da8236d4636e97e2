// Operators' changes to signing keys besides rotation: revoke, import.

import { describe, expect, test } from "vitest";
import { SEEN_MS } from "../../../src/core/registry/ports.ts";
import { PUBLISH_MS } from "../../../src/core/tokens/rotation.ts";
import { ACTOR } from "../../contracts/store-samples.ts";
import { newKey, openSigningKeys } from "../../keyring/open-signing-keys.ts";
import { DAY_MS, NOW, openRing } from "../../keyring/ring.ts";

describe("revoke", () => {
  test("revoking the active key ends its publication, and the next key signs", async () => {
    const { opened, keys, ring, published, notes } = await openSigningKeys();
    const [first = "", second] = published();
    const { revoked, active } = await keys.revoke(first, ACTOR);
    expect([revoked.state, revoked.retiredAt, active.kid]).toEqual(["revoked", NOW, second]);
    expect(published()).toEqual([second, expect.any(String)]);
    expect([ring.find(first), ring.find(second ?? "")]).toMatchObject(["revoked", { type: "public" }]);
    expect(await notes()).toEqual([
      ["CreateSigningKey", `signing-keys/${published()[1]}`, { alg: "ES256" }],
      ["RotateSigningKey", `signing-keys/${second}`, {}],
      ["RevokeSigningKey", `signing-keys/${first}`, { state: "active" }],
    ]);
    const row = opened.database.db.selectFrom("signing_keys").where("kid", "=", first).select("sealed_private_key");
    expect((await row.executeTakeFirstOrThrow()).sealed_private_key).toHaveLength(0);
  });

  test("revoking the next key makes another", async () => {
    const { keys, published } = await openSigningKeys();
    const [first, second = ""] = published();
    await keys.revoke(second, ACTOR);
    expect(published()).toEqual([first, expect.any(String)]);
    expect(published()).not.toContain(second);
  });

  test("revoking a retired key ends its publication", async () => {
    const { keys, clock, ring, published } = await openSigningKeys();
    const [first = ""] = published();
    clock.now += SEEN_MS;
    await keys.rotate(true, ACTOR);
    expect(ring.find(first)).toMatchObject({ type: "public" });
    await keys.revoke(first, ACTOR);
    expect([published().length, ring.find(first)]).toEqual([2, "revoked"]);
  });

  test("revoking twice has no further effect, and an unknown kid is an error", async () => {
    const { keys, published, notes } = await openSigningKeys();
    const [first = ""] = published();
    await keys.revoke(first, ACTOR);
    const before = await notes();
    expect((await keys.revoke(first, ACTOR)).active.kid).toBe(published()[0]);
    expect(await notes()).toEqual(before);
    await expect(keys.revoke("none", ACTOR)).rejects.toMatchObject({ reason: "does_not_exist" });
  });

  test("a revoked key stays revoked for ever", async () => {
    const { keys, ring, clock, published } = await openSigningKeys();
    const [first = ""] = published();
    await keys.revoke(first, ACTOR);
    clock.now += 1_000 * DAY_MS;
    await ring.keepUp();
    expect(ring.find(first)).toBe("revoked");
  });
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

  test("an imported key that is published already keeps its publication time", async () => {
    const { keys, clock } = await openSigningKeys();
    const key = { privateKey: newKey(), kid: "old" };
    await keys.import({ ...key, asNext: true }, ACTOR);
    clock.now += PUBLISH_MS;
    const asActive = { ...key, asNext: false };
    expect(await keys.import(asActive, ACTOR)).toMatchObject({ createdAt: NOW, activatedAt: clock.now });
    clock.now += SEEN_MS;
    await keys.rotate(true, ACTOR);
    // The old key is retired and still published.
    expect(await keys.import(asActive, ACTOR)).toMatchObject({ state: "active", createdAt: NOW });
  });

  test.for([true, false])("an imported key is of TOKEN_ALG (next: %s)", async (asNext) => {
    const { keys } = await openSigningKeys();
    const key = { privateKey: newKey("ed25519"), kid: "", asNext };
    const message = "this key is for EdDSA and new keys are for ES256. Set COUNTERSIGN_TOKEN_ALG to EdDSA first";
    await expect(keys.import(key, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition", message });
  });

  test("a retired key may be imported again", async () => {
    const { keys, clock, published, opened } = await openSigningKeys();
    const key = { privateKey: newKey(), kid: "old", asNext: false };
    await keys.import(key, ACTOR);
    clock.now += SEEN_MS;
    await keys.rotate(true, ACTOR);
    expect(published().indexOf("old")).toBeGreaterThan(1);
    await expect(keys.import({ ...key, asNext: true }, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition" });
    await keys.import(key, ACTOR);
    expect(published()[0]).toBe("old");
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

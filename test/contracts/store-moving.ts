// The part of a store's contract that is about keys that come and go: dated keys, and devices on their way to a key of their own.

import { expect, test } from "vitest";
import { MAX_LIVE_KEYS } from "../../src/core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { look } from "./look.ts";
import {
  actionsOf,
  addDevice,
  addKey,
  entryOf,
  NOW,
  type Open,
  type OpenedStore,
  openWithCustomer,
  secretsOf,
  subjectsOf,
} from "./store-samples.ts";

export function describeMoving(open: Open): void {
  /** A device that is moving, of a customer with a key of each purpose. */
  async function openMoving(): Promise<OpenedStore> {
    const opened = await openWithCustomer(open);
    await addKey(opened.store, "k1");
    await addKey(opened.store, "d1", { purpose: "derivation" });
    await addDevice(opened.store, { keyMode: "derived", acceptsShared: true });
    return opened;
  }

  test("a device that is moving has the keys of both purposes, its own first", async () => {
    const { store } = await openMoving();
    const found = await look(store, "device-1", NOW);
    expect(found.credential.movingSince).toBe(0);
    expect(found.credential.keys.map(({ keyId, purpose }) => [keyId, purpose])).toEqual([
      ["d1", "derivation"],
      ["k1", "login"],
    ]);
    expect(secretsOf(found)[0]).toBe(deriveDeviceKey(secretFromText("secret of d1"), "device-1"));
  });

  test("with three live keys of each it has six", async () => {
    const { store } = await openMoving();
    for (const number of [2, 3]) {
      await addKey(store, `k${number}`);
      await addKey(store, `d${number}`, { purpose: "derivation" });
    }
    expect((await look(store, "device-1", NOW)).credential.keys).toHaveLength(6);
  });

  test("a shared proof counts until a derived one, which is on disk and heard of", async () => {
    const { store, database, reopen } = await openMoving();
    const other = await reopen();
    expect(await store.credentials.settle("device-1", "login", NOW)).toBe(true);
    expect(await actionsOf(store)).not.toContain("SettleDevice");
    expect(await store.credentials.settle("device-1", "derivation", NOW + 5)).toBe(true);
    expect(await other.credentials.settle("device-1", "login", NOW)).toBe(false);
    expect(await other.credentials.settle("device-1", "derivation", NOW)).toBe(true);
    expect(await other.devices.find("device-1")).toMatchObject({
      acceptsShared: false,
      updatedAt: NOW + 5,
      revision: 2,
    });
    expect((await look(other, "device-1", NOW)).credential).toMatchObject({
      movingSince: undefined,
      keys: [{ keyId: "d1" }],
    });
    expect((await actionsOf(store)).filter((action) => action === "SettleDevice")).toHaveLength(1);
    expect((await subjectsOf(database)).at(-1)).toBe("device device-1");
  });

  test("many proofs at once are decided as one after another: none by a shared key after a derived one", async () => {
    const { store, reopen } = await openMoving();
    const stores = [store, await reopen(), await reopen()];
    const purposes = Array.from({ length: 60 }, (_, place) => (place === 30 ? "derivation" : "login"));
    await Promise.all(
      purposes.map((purpose, place) => stores[place % 3]?.credentials.settle("device-1", purpose, NOW + place)),
    );
    for (const each of stores) expect(await each.credentials.settle("device-1", "login", NOW)).toBe(false);
    expect((await store.devices.find("device-1"))?.revision).toBe(2);
  });

  test("no proof of a device that is gone counts, and a shared one of a device that moved back does", async () => {
    const { store } = await openMoving();
    await store.devices.update("device-1", (current) => ({
      next: { ...current, keyMode: "shared", acceptsShared: false },
      entry: entryOf("UpdateDevice"),
    }));
    expect(await store.credentials.settle("device-1", "login", NOW)).toBe(true);
    expect(await store.credentials.settle("device-1", "derivation", NOW)).toBe(false);
    expect((await store.devices.find("device-1"))?.acceptsShared).toBe(false);
    await store.devices.delete("device-1", () => entryOf("DeleteDevice"));
    for (const purpose of ["login", "derivation"] as const) {
      expect(await store.credentials.settle("device-1", purpose, NOW)).toBe(false);
    }
    expect(await store.credentials.settle("", "login", NOW)).toBe(false);
  });

  test("keys count from their day to their end, and the next of these days is told", async () => {
    const { store } = await openWithCustomer(open);
    await addKey(store, "now", { notBefore: NOW, expiresAt: NOW + 300 });
    await addKey(store, "later", { notBefore: NOW + 100, createdAt: NOW - 1 });
    await addDevice(store);
    const found = async (at: number): Promise<readonly [string[], number]> => {
      const { credential } = await look(store, "device-1", at);
      return [credential.keys.map(({ keyId }) => keyId), credential.validUntil];
    };
    expect(await found(NOW)).toEqual([["now"], NOW + 100]);
    expect(await found(NOW + 99)).toEqual([["now"], NOW + 100]);
    expect(await found(NOW + 100)).toEqual([["now", "later"], NOW + 300]);
    expect(await found(NOW + 300)).toEqual([["later"], Number.POSITIVE_INFINITY]);
  });

  test("a look-up tells how many derivations it has not cost", async () => {
    const { store } = await openMoving();
    await addDevice(store, { deviceKey: "shared" });
    const saved = async (name: string): Promise<number> => (await look(store, name, NOW)).derivationsSaved;
    expect(await saved("device-1")).toBe(MAX_LIVE_KEYS - 1);
    expect(await saved("shared")).toBe(MAX_LIVE_KEYS);
    expect(await saved("nobody")).toBe(MAX_LIVE_KEYS);
  });

  test("a name that is nobody's is given a decoy that looks like a device with a key", async () => {
    const { store } = await openWithCustomer(open);
    const { credential } = await look(store, "nobody", NOW);
    expect(credential).toMatchObject({ deviceKey: "nobody", enrolled: false, enabled: false, movingSince: undefined });
    expect(credential.keys.map(({ purpose }) => purpose)).toEqual(["login"]);
  });

  test("many look-ups at once each find their own", async () => {
    const { store } = await openWithCustomer(open);
    await addKey(store, "k1");
    const names = Array.from({ length: 300 }, (_, place) => `many-${place}`);
    for (const [place, deviceKey] of names.entries()) if (place % 3 > 0) await addDevice(store, { deviceKey });
    const asked = [...names, ...names.slice(0, 50)];
    const found = await Promise.all(asked.map((name) => look(store, name, NOW)));
    for (const [place, { credential }] of found.entries()) {
      expect([credential.deviceKey, credential.enrolled]).toEqual([asked[place], (place % 300) % 3 > 0]);
    }
  });
}

// The part of a store's contract that is about keys that come and go: dated keys, and devices that move to a key of their own.

import { expect, test } from "vitest";
import {
  actionsOf,
  addDevice,
  addKey,
  entryOf,
  keyIdsOf,
  NOW,
  type Open,
  type OpenedStore,
  openWithCustomer,
} from "./store-samples.ts";

export function describeMoving(open: Open): void {
  /** A device that moves, of a customer with a key of each purpose. */
  async function openMoving(): Promise<OpenedStore> {
    const opened = await openWithCustomer(open);
    await addKey(opened.store, "k1");
    await addKey(opened.store, "d1", { purpose: "derivation" });
    await addDevice(opened.store, { keyMode: "derived", keyModeSince: NOW, acceptsShared: true });
    return opened;
  }

  test("a device that moves has the keys of both purposes", async () => {
    const { store } = await openMoving();
    const credential = await store.credentials.find("device-1", NOW);
    expect(credential.movingSince).toBe(NOW);
    expect([credential.derivationKeys, credential.loginKeys]).toMatchObject([[{ keyId: "d1" }], [{ keyId: "k1" }]]);
  });

  test("a move that is finished ends the shared key, with one event, for every gateway", async () => {
    const { store, reopen } = await openMoving();
    const other = await reopen();
    const move = { deviceKey: "device-1", movingSince: NOW };
    await Promise.all([store, other].map(({ activity }) => activity.finishMoves([move], NOW + 5)));
    expect(await other.devices.find("device-1")).toMatchObject({
      acceptsShared: false,
      updatedAt: NOW + 5,
      revision: 2,
    });
    const credential = await other.credentials.find("device-1", NOW);
    expect([credential.movingSince, keyIdsOf(credential)]).toEqual([undefined, ["d1"]]);
    expect((await actionsOf(store)).filter((action) => action === "FinishMove")).toHaveLength(1);
  });

  test("a move that began later is not finished, nor one of a device that is gone", async () => {
    const { store } = await openMoving();
    await store.activity.finishMoves(
      [
        { deviceKey: "device-1", movingSince: NOW - 1 },
        { deviceKey: "nobody", movingSince: NOW },
        { deviceKey: "", movingSince: 0 },
      ],
      NOW,
    );
    expect((await store.devices.find("device-1"))?.acceptsShared).toBe(true);
    await store.devices.update("device-1", (current) => ({
      next: { ...current, keyMode: "shared", acceptsShared: false },
      entry: entryOf("UpdateDevice"),
    }));
    await store.activity.finishMoves([{ deviceKey: "device-1", movingSince: NOW }], NOW);
    expect(await actionsOf(store)).not.toContain("FinishMove");
  });

  test("keys count from their day to their end", async () => {
    const { store } = await openWithCustomer(open);
    await addKey(store, "now", { notBefore: NOW, expiresAt: NOW + 300 });
    await addKey(store, "later", { notBefore: NOW + 100, createdAt: NOW - 1 });
    await addDevice(store);
    const found = async (at: number): Promise<string[]> => keyIdsOf(await store.credentials.find("device-1", at));
    expect(await found(NOW - 1)).toEqual([]);
    expect(await found(NOW)).toEqual(["now"]);
    expect(await found(NOW + 100)).toEqual(["now", "later"]);
    expect(await found(NOW + 300)).toEqual(["later"]);
  });
}

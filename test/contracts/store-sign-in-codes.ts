// The store's contract for codes that sign in once: SignInCodeStore.

import { expect, test } from "vitest";
import { NOW, type Open } from "./store-samples.ts";

export function describeSignInCodes(open: Open): void {
  test("a code is taken once, by one of several at the same time", async () => {
    const { store, reopen } = await open();
    await store.signInCodes.insert("hash-1", "0a1b2c3d", NOW + 10, NOW);
    const stores = [store, await reopen(), store];
    const taken = await Promise.all(stores.map(({ signInCodes }) => signInCodes.take("hash-1")));
    expect(taken.filter((code) => code !== undefined)).toEqual([{ tokenId: "0a1b2c3d", expiresAt: NOW + 10 }]);
    expect(await store.signInCodes.take("hash-2")).toBeUndefined();
  });

  test("codes that have expired are forgotten with the next", async () => {
    const { store } = await open();
    await store.signInCodes.insert("old", "0a1b2c3d", NOW + 10, NOW);
    await store.signInCodes.insert("new", "0a1b2c3d", NOW + 20, NOW + 10);
    expect(await store.signInCodes.take("old")).toBeUndefined();
    expect(await store.signInCodes.take("new")).toMatchObject({ expiresAt: NOW + 20 });
  });
}

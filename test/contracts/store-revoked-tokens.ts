// What a RevokedTokenStore owes.

import { expect, test } from "vitest";
import { actionsOf, brokenEntry, entryOf, NOW, type Open, subjectsOf } from "./store-samples.ts";

const ENTRY = entryOf("RevokeToken", { resource: "tokens/t-1", customerId: "" });

export function describeRevokedTokens(open: Open): void {
  test("a token that is revoked is there until it expires, with one entry, and every gateway hears of it", async () => {
    const { store, database } = await open();
    const before = await subjectsOf(database);
    expect(await store.revokedTokens.insert({ jti: "t-1", expiresAt: NOW + 10 }, ENTRY)).toEqual({
      jti: "t-1",
      expiresAt: NOW + 10,
    });
    expect(await store.revokedTokens.list(NOW + 9)).toEqual([{ jti: "t-1", expiresAt: NOW + 10 }]);
    expect(await store.revokedTokens.list(NOW + 10)).toEqual([]);
    expect((await subjectsOf(database)).slice(before.length)).toEqual(["token t-1"]);
    expect((await actionsOf(store)).at(-1)).toBe("RevokeToken");
  });

  test("one that is revoked again stays as it is", async () => {
    const { store } = await open();
    await store.revokedTokens.insert({ jti: "t-1", expiresAt: NOW + 10 }, ENTRY);
    const actions = await actionsOf(store);
    expect(await store.revokedTokens.insert({ jti: "t-1", expiresAt: NOW + 99 }, ENTRY)).toEqual({
      jti: "t-1",
      expiresAt: NOW + 10,
    });
    expect(await actionsOf(store)).toEqual(actions);
  });

  test("without its entry it is not revoked", async () => {
    const { store } = await open();
    await expect(store.revokedTokens.insert({ jti: "t-1", expiresAt: NOW + 10 }, brokenEntry())).rejects.toThrow();
    expect(await store.revokedTokens.list(NOW)).toEqual([]);
  });

  test("those that have expired are forgotten, so many at once", async () => {
    const { store } = await open();
    for (const [place, jti] of ["a", "b", "c"].entries()) {
      await store.revokedTokens.insert({ jti, expiresAt: NOW + place }, ENTRY);
    }
    expect(await store.revokedTokens.prune(NOW + 1, 1)).toBe(1);
    expect(await store.revokedTokens.prune(NOW + 1, 5)).toBe(1);
    expect(await store.revokedTokens.prune(NOW + 1, 5)).toBe(0);
    expect(await store.revokedTokens.list(0)).toEqual([{ jti: "c", expiresAt: NOW + 2 }]);
  });
}

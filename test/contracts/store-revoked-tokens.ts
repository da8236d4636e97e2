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

  test("one that is revoked again is remembered for the longer of the two, and every gateway hears where that is news", async () => {
    const { store, database } = await open();
    const revoke = (expiresAt: number) => store.revokedTokens.insert({ jti: "t-1", expiresAt }, ENTRY);
    await revoke(NOW + 10);
    const [actions, subjects] = [await actionsOf(store), await subjectsOf(database)];
    expect(await revoke(NOW + 9)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect(await revoke(NOW + 10)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect([await actionsOf(store), await subjectsOf(database)]).toEqual([actions, subjects]);
    // By a gateway whose clock was behind it was as good as not revoked.
    expect(await revoke(NOW + 99)).toEqual({ jti: "t-1", expiresAt: NOW + 99 });
    expect(await store.revokedTokens.list(NOW + 98)).toEqual([{ jti: "t-1", expiresAt: NOW + 99 }]);
    expect(await actionsOf(store)).toEqual([...actions, "RevokeToken"]);
    expect((await subjectsOf(database)).slice(subjects.length)).toEqual(["token t-1"]);
  });

  test("whether one is there is asked by its name, expired or not", async () => {
    const { store } = await open();
    await store.revokedTokens.insert({ jti: "t-1", expiresAt: 1 }, ENTRY);
    expect([await store.revokedTokens.has("t-1"), await store.revokedTokens.has("t-2")]).toEqual([true, false]);
    // However many ask at once, each is told of its own.
    const many = Array.from({ length: 450 }, (_, place) => (place % 7 === 0 ? "t-1" : `other-${place}`));
    const told = await Promise.all(many.map((jti) => store.revokedTokens.has(jti)));
    expect(told).toEqual(many.map((jti) => jti === "t-1"));
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

// The contract of a RevokedTokenStore.

import { expect, test } from "vitest";
import type { Store } from "../../src/store/sql.ts";
import { actionsOf, entryOf, NOW, type Open } from "./store-samples.ts";

const ENTRY = entryOf("RevokeToken", { resource: "tokens/t-1", customerId: "" });

export function describeRevokedTokens(open: Open): void {
  const isRevoked = async ({ credentials }: Store, jti: string): Promise<boolean> =>
    (await credentials.findStanding("device-1", jti)).isRevoked;

  test("a token that is revoked is there, with one entry", async () => {
    const { store } = await open();
    const token = { jti: "t-1", expiresAt: NOW + 10 };
    expect(await store.revokedTokens.insert(token, ENTRY)).toEqual(token);
    expect([await isRevoked(store, "t-1"), await isRevoked(store, "t-2")]).toEqual([true, false]);
    expect(await actionsOf(store)).toEqual(["RevokeToken"]);
  });

  test("a token that is revoked again is kept for the longer of the two, with an entry where that changes it", async () => {
    const { store } = await open();
    const revoke = (expiresAt: number) => store.revokedTokens.insert({ jti: "t-1", expiresAt }, ENTRY);
    await revoke(NOW + 10);
    expect(await revoke(NOW + 9)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect(await revoke(NOW + 10)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect(await actionsOf(store)).toEqual(["RevokeToken"]);
    expect(await revoke(NOW + 99)).toEqual({ jti: "t-1", expiresAt: NOW + 99 });
    expect(await actionsOf(store)).toEqual(["RevokeToken", "RevokeToken"]);
  });

  test("those that have expired are forgotten, so many at once", async () => {
    const { store } = await open();
    for (const [index, jti] of ["a", "b", "c"].entries()) {
      await store.revokedTokens.insert({ jti, expiresAt: NOW + index }, ENTRY);
    }
    expect(await store.revokedTokens.prune(NOW + 1, 1)).toBe(1);
    expect(await store.revokedTokens.prune(NOW + 1, 5)).toBe(1);
    expect(await store.revokedTokens.prune(NOW + 1, 5)).toBe(0);
    expect([await isRevoked(store, "b"), await isRevoked(store, "c")]).toEqual([false, true]);
  });
}

// The store's contract for tokens: OperatorStore and RevokedTokenStore.

import { expect, test } from "vitest";
import type { StoredOperatorToken } from "../../src/core/registry/operators.ts";
import type { Store } from "../../src/store/sql.ts";
import { actionsOf, entryOf, NOW, type Open } from "./store-samples.ts";

export const TOKEN: StoredOperatorToken = {
  tokenId: "0a1b2c3d",
  name: "ada",
  role: "read",
  createdAt: NOW,
  expiresAt: NOW + 10,
  revokedAt: undefined,
};
const ISSUED = entryOf("IssueOperatorToken");
const REVOKED = entryOf("RevokeOperatorToken", { at: NOW + 5 });
const REVOCATION = entryOf("RevokeToken", { resource: "tokens/t-1", customerId: "" });

export function describeTokens(open: Open): void {
  test("another process finds a token by its hash and its id", async () => {
    const { store, reopen } = await open();
    await store.operators.insert(TOKEN, "hash-1", ISSUED);
    await store.operators.insert({ ...TOKEN, tokenId: "1", createdAt: NOW + 1, role: "admin" }, "hash-2", ISSUED);
    const { operators } = await reopen();
    expect(await operators.findByHash("hash-1")).toEqual(TOKEN);
    expect(await operators.find(TOKEN.tokenId)).toEqual(TOKEN);
    expect([await operators.findByHash("hash-3"), await operators.find("hash-1")]).toEqual([undefined, undefined]);
    expect((await operators.list()).map(({ tokenId, role }) => [tokenId, role])).toEqual([
      ["1", "admin"],
      [TOKEN.tokenId, "read"],
    ]);
  });

  test("a token is revoked once, with one entry", async () => {
    const { store } = await open();
    await store.operators.insert(TOKEN, "hash-1", ISSUED);
    const revoked = { ...TOKEN, revokedAt: NOW + 5 };
    for (const at of [NOW + 5, NOW + 6]) {
      await store.operators.revoke(TOKEN.tokenId, { ...REVOKED, at });
      expect(await store.operators.find(TOKEN.tokenId)).toEqual(revoked);
    }
    await store.operators.revoke("none", REVOKED);
    expect(await actionsOf(store)).toEqual(["IssueOperatorToken", "RevokeOperatorToken"]);
  });

  const isRevoked = async ({ credentials }: Store, jti: string): Promise<boolean> =>
    (await credentials.findStanding("device-1", jti)).isRevoked;

  test("a second revocation keeps the later expiry, with an entry if the expiry changes", async () => {
    const { store } = await open();
    const revoke = (expiresAt: number) => store.revokedTokens.insert({ jti: "t-1", expiresAt }, REVOCATION);
    expect(await revoke(NOW + 10)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect(await revoke(NOW + 9)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect(await revoke(NOW + 10)).toEqual({ jti: "t-1", expiresAt: NOW + 10 });
    expect(await actionsOf(store)).toEqual(["RevokeToken"]);
    expect(await revoke(NOW + 99)).toEqual({ jti: "t-1", expiresAt: NOW + 99 });
    expect(await actionsOf(store)).toEqual(["RevokeToken", "RevokeToken"]);
  });

  test("expired tokens are deleted in batches", async () => {
    const { store } = await open();
    for (const [index, jti] of ["a", "b", "c"].entries()) {
      await store.revokedTokens.insert({ jti, expiresAt: NOW + index }, REVOCATION);
    }
    expect(await store.revokedTokens.prune(NOW + 1, 1)).toBe(1);
    expect(await store.revokedTokens.prune(NOW + 1, 5)).toBe(1);
    expect(await store.revokedTokens.prune(NOW + 1, 5)).toBe(0);
    expect([await isRevoked(store, "b"), await isRevoked(store, "c")]).toEqual([false, true]);
  });
}

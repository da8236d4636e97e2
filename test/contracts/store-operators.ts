// The store's contract for operators' admin tokens: OperatorStore.

import { expect, test } from "vitest";
import type { StoredOperatorToken } from "../../src/core/registry/operators.ts";
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

export function describeOperators(open: Open): void {
  test("a token is found by its hash and its id, for another process too", async () => {
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
    expect(await store.operators.revoke(TOKEN.tokenId, REVOKED)).toEqual(revoked);
    expect(await store.operators.revoke(TOKEN.tokenId, { ...REVOKED, at: NOW + 6 })).toEqual(revoked);
    expect(await actionsOf(store)).toEqual(["IssueOperatorToken", "RevokeOperatorToken"]);
    await expect(store.operators.revoke("none", REVOKED)).rejects.toMatchObject({ reason: "does_not_exist" });
  });
}

// The store's contract for what tokens need: SigningKeyStore, OperatorStore and RevokedTokenStore.

import { expect, test } from "vitest";
import type { StoredOperatorToken } from "../../src/core/registry/operators.ts";
import type { NewSigningKey, SigningKey, SigningKeyChange, SigningKeyStore } from "../../src/core/tokens/ports.ts";
import { actionsOf, entryOf, NOW, type Open } from "./store-samples.ts";

export function keyNamed(kid: string, draft: Partial<SigningKey> = {}): NewSigningKey {
  return {
    kid,
    alg: "RS256",
    state: "active",
    privateKey: Buffer.from([0, 1, 255]),
    publicJwk: { kid, kty: "RSA", alg: "RS256", use: "sig", n: "AQ", e: "AQAB" },
    createdAt: NOW,
    activatedAt: undefined,
    retiredAt: undefined,
    ...draft,
  };
}

/** A key as the store returns it, without its private half. */
function storedOf({ privateKey: _, ...key }: NewSigningKey): SigningKey {
  return key;
}

export const change = (draft: Partial<SigningKeyChange>): SigningKeyChange => ({
  put: [],
  remove: [],
  entries: [],
  ...draft,
});

async function put(store: SigningKeyStore, ...keys: readonly (SigningKey | NewSigningKey)[]): Promise<void> {
  await store.change(() => change({ put: keys }));
}

export const TOKEN: StoredOperatorToken = {
  tokenId: "0a1b2c3d",
  name: "ada",
  role: "read",
  createdAt: NOW,
  expiresAt: NOW + 10,
  revokedAt: undefined,
};

export function describeTokens(open: Open): void {
  test("another process reads signing keys unchanged, the newest first", async () => {
    const { store, reopen } = await open();
    const keys = [
      keyNamed("z", { state: "next", createdAt: NOW + 1 }),
      keyNamed("b"),
      keyNamed("c", { state: "retired", activatedAt: NOW, retiredAt: NOW + 1 }),
    ];
    await put(store.signingKeys, ...keys);
    const stored = await (await reopen()).signingKeys.read();
    expect(stored.keys).toEqual(keys.map(storedOf));
    expect(Buffer.from(stored.openPrivateKey("z"))).toEqual(keys[0]?.privateKey);
  });

  test("a private half is kept while its key signs, and then erased", async () => {
    const { store, database } = await open();
    const next = keyNamed("a", { state: "next" });
    const opened = async () => Buffer.from((await store.signingKeys.read()).openPrivateKey("a"));
    await put(store.signingKeys, next);
    await put(store.signingKeys, { ...storedOf(next), state: "active" });
    expect(await opened()).toEqual(next.privateKey);
    for (const state of ["retired", "revoked"] as const) {
      await put(store.signingKeys, { ...storedOf(next), state });
      const rows = await database.db.selectFrom("signing_keys").select("sealed_private_key").execute();
      expect(rows.map((row) => row.sealed_private_key.length)).toEqual([0]);
    }
    // An operator may import the whole key again.
    await put(store.signingKeys, next);
    expect(await opened()).toEqual(next.privateKey);
    await store.signingKeys.change(() => change({ remove: ["a"] }));
    expect((await store.signingKeys.read()).keys).toEqual([]);
  });

  test("concurrent changes of signing keys see the result of all changes before them", async () => {
    const { store, reopen } = await open();
    const other = await reopen();
    await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        (index % 2 ? store : other).signingKeys.change(({ keys }) => {
          const [active] = keys.filter(({ state }) => state === "active");
          const retired = active === undefined ? [] : [{ ...active, state: "retired" as const }];
          return change({ put: [...retired, keyNamed(`k${index}`, { activatedAt: keys.length })] });
        }),
      ),
    );
    const { keys } = await store.signingKeys.read();
    expect(keys.map(({ activatedAt = -1 }) => activatedAt).sort((a, b) => a - b)).toEqual(Array.from(keys.keys()));
    expect(keys.filter(({ state }) => state === "active")).toMatchObject([{ activatedAt: 11 }]);
  });

  test("another process finds an admin token by its hash and its id, and revokes it once, with one entry", async () => {
    const { store, reopen } = await open();
    const admin = { ...TOKEN, tokenId: "1", createdAt: NOW + 1, role: "admin" } as const;
    await store.operators.insert(TOKEN, "hash-1", entryOf("IssueOperatorToken"));
    await store.operators.insert(admin, "hash-2", entryOf("IssueOperatorToken"));
    const { operators } = await reopen();
    expect(await operators.findByHash("hash-1")).toEqual(TOKEN);
    expect([await operators.findByHash("hash-3"), await operators.find("hash-1")]).toEqual([undefined, undefined]);
    for (const at of [NOW + 5, NOW + 6]) await operators.revoke(TOKEN.tokenId, entryOf("RevokeOperatorToken", { at }));
    const revoked = { ...TOKEN, revokedAt: NOW + 5 };
    expect(await store.operators.find(TOKEN.tokenId)).toEqual(revoked);
    expect(await store.operators.list()).toEqual([admin, revoked]);
    await operators.revoke("none", entryOf("RevokeOperatorToken"));
    expect((await actionsOf(store)).slice(2)).toEqual(["RevokeOperatorToken"]);
  });

  test("a second revocation of a token keeps the later expiry, with an entry if the expiry changes", async () => {
    const { store } = await open();
    let entries = 0;
    for (const [expiresAt, later, added] of [
      [10, 10, 1],
      [9, 10, 0],
      [10, 10, 0],
      [99, 99, 1],
    ] as const) {
      const revoked = await store.revokedTokens.insert({ jti: "t-1", expiresAt }, entryOf("RevokeToken"));
      expect(revoked).toEqual({ jti: "t-1", expiresAt: later });
      entries += added;
      expect(await actionsOf(store)).toEqual(Array(entries).fill("RevokeToken"));
    }
  });

  test("expired revocations are deleted in batches", async () => {
    const { store } = await open();
    for (const [index, jti] of ["a", "b", "c"].entries()) {
      await store.revokedTokens.insert({ jti, expiresAt: NOW + index }, entryOf("RevokeToken"));
    }
    const prune = (most: number) => store.revokedTokens.prune(NOW + 1, most);
    expect([await prune(1), await prune(5), await prune(5)]).toEqual([1, 1, 0]);
    const standings = await Promise.all(["b", "c"].map((jti) => store.credentials.findStanding("device-1", jti)));
    expect(standings.map(({ isRevoked }) => isRevoked)).toEqual([false, true]);
  });
}

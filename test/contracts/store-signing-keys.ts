// The store's contract for signing keys: SigningKeyStore.

import { expect, test } from "vitest";
import type { AuditEntry } from "../../src/core/registry/ports.ts";
import type { NewSigningKey, SigningKey, SigningKeyChange, SigningKeyStore } from "../../src/core/tokens/ports.ts";
import { ACTOR, entryOf, FIRST, NOW, type Open } from "./store-samples.ts";

const PRIVATE = Buffer.from([0, 1, 255]);

export function keyNamed(kid: string, draft: Partial<SigningKey> = {}): NewSigningKey {
  return {
    kid,
    alg: "RS256",
    state: "active",
    privateKey: PRIVATE,
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

export function describeSigningKeys(open: Open): void {
  test("keys are stored with all fields, and listed newest first", async () => {
    const { store, reopen } = await open();
    const dates = { activatedAt: NOW, retiredAt: NOW + 1 };
    const keys = [
      keyNamed("a", { state: "next", createdAt: NOW + 1 }),
      keyNamed("b"),
      keyNamed("c", { state: "retired", ...dates }),
    ];
    await put(store.signingKeys, ...keys);
    const other = (await reopen()).signingKeys;
    for (const each of [store.signingKeys, other]) {
      const current = await each.read();
      expect(current.keys).toEqual(keys.map(storedOf));
      expect(Buffer.from(current.openPrivateKey("a"))).toEqual(PRIVATE);
    }
  });

  test("a private half is kept while its key signs, and then erased", async () => {
    const { store, database } = await open();
    const next = keyNamed("a", { state: "next" });
    await put(store.signingKeys, next);
    await put(store.signingKeys, { ...storedOf(next), state: "active", activatedAt: NOW + 1 });
    const active = await store.signingKeys.read();
    expect(active.keys).toEqual([{ ...storedOf(next), state: "active", activatedAt: NOW + 1 }]);
    expect(Buffer.from(active.openPrivateKey("a"))).toEqual(PRIVATE);
    for (const state of ["retired", "revoked"] as const) {
      await put(store.signingKeys, { ...storedOf(next), state });
      const rows = await database.db.selectFrom("signing_keys").select("sealed_private_key").execute();
      expect(rows.map((row) => row.sealed_private_key.length)).toEqual([0]);
    }
    // An operator may import the whole key again.
    await put(store.signingKeys, next);
    expect(Buffer.from((await store.signingKeys.read()).openPrivateKey("a"))).toEqual(PRIVATE);
  });

  test("one key replaces another in one change, in either order of writes", async () => {
    const { store } = await open();
    const [a, b] = [keyNamed("a"), keyNamed("b", { state: "next" })];
    await put(store.signingKeys, a, b);
    await put(
      store.signingKeys,
      keyNamed("c", { state: "next" }),
      { ...storedOf(b), state: "active" },
      { ...storedOf(a), state: "retired" },
    );
    const { keys } = await store.signingKeys.read();
    expect(Object.fromEntries(keys.map(({ kid, state }) => [kid, state]))).toEqual({
      a: "retired",
      b: "active",
      c: "next",
    });
    await store.signingKeys.change(() => change({ put: [keyNamed("d", { state: "next" })], remove: ["c", "a"] }));
    expect((await store.signingKeys.read()).keys.map(({ kid }) => kid)).toEqual(["b", "d"]);
  });

  test("a change has its entries in order; without a change, or after an error, nothing is written", async () => {
    const { store } = await open();
    const entry: AuditEntry = entryOf("RotateSigningKey", { resource: "signing-keys/a", customerId: "" });
    await store.signingKeys.change(() => change({ put: [keyNamed("a")], entries: [entry, { ...entry, action: "B" }] }));
    await store.signingKeys.change(() => change({}));
    const failed = store.signingKeys.change(() => {
      throw new RangeError("not so");
    });
    await expect(failed).rejects.toThrow(new RangeError("not so"));
    const { items } = await store.audit.list(FIRST);
    expect(items).toMatchObject([{ action: "B" }, { action: "RotateSigningKey", actor: ACTOR }]);
    expect((await store.signingKeys.read()).keys).toHaveLength(1);
  });

  test("concurrent changes see the result of all changes before them", async () => {
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
}

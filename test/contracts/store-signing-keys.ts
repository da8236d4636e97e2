// The part of a store's contract that is about the keys that tokens are signed with: SigningKeyStore.

import { expect, test } from "vitest";
import type { SigningKey } from "../../src/core/ports.ts";
import { GATEWAY } from "../../src/core/registry/ports.ts";
import { FIRST, NOW, type Open } from "./store-samples.ts";

export function describeSigningKeys(open: Open): void {
  const keyNamed = (kid: string): SigningKey => ({
    kid,
    alg: "RS256",
    privateKey: Buffer.from([0, 1, 255]),
    publicJwk: { kid, kty: "RSA", alg: "RS256", use: "sig", n: "AQ", e: "AQAB" },
    createdAt: NOW,
  });

  test("has no active key at first", async () => {
    const { store } = await open();
    expect(await store.signingKeys.active()).toBeUndefined();
  });

  test("the first candidate becomes the active key and is given back whole", async () => {
    const { store, reopen } = await open();
    expect(await store.signingKeys.activateFirst(keyNamed("a"))).toEqual(keyNamed("a"));
    expect(await store.signingKeys.active()).toEqual(keyNamed("a"));
    expect(await (await reopen()).signingKeys.active()).toEqual(keyNamed("a"));
  });

  test("a later candidate is given the one that is active", async () => {
    const { store } = await open();
    await store.signingKeys.activateFirst(keyNamed("a"));
    expect(await store.signingKeys.activateFirst(keyNamed("b"))).toEqual(keyNamed("a"));
    expect(await store.signingKeys.activateFirst(keyNamed("a"))).toEqual(keyNamed("a"));
  });

  test("the gateway that makes one says so in the audit log, once", async () => {
    const { store, reopen } = await open();
    const other = await reopen();
    await Promise.all([store, other].map(({ signingKeys }, place) => signingKeys.activateFirst(keyNamed(`k${place}`))));
    const winner = await store.signingKeys.active();
    const { items } = await store.audit.list(FIRST);
    expect(items).toMatchObject([
      {
        actor: GATEWAY,
        at: NOW,
        action: "CreateSigningKey",
        resource: `signing-keys/${winner?.kid}`,
        customerId: "",
        details: { alg: "RS256" },
      },
    ]);
  });

  test("all are listed, without their halves", async () => {
    const { store } = await open();
    expect(await store.signingKeys.listAll()).toEqual([]);
    await store.signingKeys.activateFirst(keyNamed("a"));
    const summary = { kid: "a", alg: "RS256", state: "active", createdAt: NOW };
    expect(await store.signingKeys.listAll()).toEqual([summary]);
  });

  test("of candidates at once one wins, and all are given it", async () => {
    const { store, reopen } = await open();
    const other = await reopen();
    const winners = await Promise.all(
      Array.from({ length: 10 }, (_, place) =>
        (place % 2 ? store : other).signingKeys.activateFirst(keyNamed(`k${place}`)),
      ),
    );
    expect(new Set(winners.map(({ kid }) => kid)).size).toBe(1);
    expect(await store.signingKeys.active()).toEqual(winners[0]);
  });
}

// What every CredentialStore, RegistryStore and SigningKeyStore owes (core/ports.ts), as one suite.

import { describe, expect, test } from "vitest";
import type { CustomerKey, Device, SigningKey } from "../../src/core/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { refusalFrom } from "../core/refusal.ts";
import { describeRegistry } from "./store-registry.ts";
import { customer, device, keyOf, NOW, type OpenedStore, secretsOf } from "./store-samples.ts";

/** Runs the suite; each store that `open` gives starts empty and is cleared away when the test ends. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  describe(`${name} as a CredentialStore`, () => describeCredentials(open));
  describe(`${name} as a RegistryStore`, () => describeRegistry(open));
  describe(`${name} as a SigningKeyStore`, () => describeSigningKeys(open));
}

function describeCredentials(open: () => Promise<OpenedStore>): void {
  async function openWith(draft: Partial<Device>, keys: readonly CustomerKey[]): Promise<OpenedStore> {
    const opened = await open();
    await opened.store.insertCustomer(customer, NOW);
    for (const key of keys) await opened.store.insertCustomerKey(key);
    await opened.store.insertDevice({ ...device, ...draft }, NOW);
    return opened;
  }

  test("finds nothing of a device that is not enrolled", async () => {
    const { store } = await openWith({}, []);
    for (const name of ["device-2", "DEVICE-1", "device-", "device_1", "%", ""]) {
      expect(await store.find(name, NOW)).toBeUndefined();
    }
  });

  test("finds a device with the login keys of its customer, the newest first, to the byte", async () => {
    const odd = Buffer.from([0, 255, 10, 0xc3, 0x28]);
    const { store } = await openWith({}, [keyOf("k1", { createdAt: NOW - 1 }), keyOf("k2", { secret: odd })]);
    const found = await store.find("device-1", NOW);
    expect(found).toMatchObject({ deviceKey: "device-1", customerId: "customer-1", enabled: true });
    expect(found?.keys.map(({ keyId }) => keyId)).toEqual(["k2", "k1"]);
    expect(found?.keys[0]?.secret.export()).toEqual(odd);
  });

  test("finds a device whose customer has no key, with none", async () => {
    const { store } = await openWith({}, []);
    expect((await store.find("device-1", NOW))?.keys).toEqual([]);
  });

  test.for([
    { sharedIdentity: true, replayGuard: false },
    { sharedIdentity: false, replayGuard: true },
  ])("tells the flags of a device: %j", async (flags) => {
    const { store } = await openWith(flags, []);
    expect(await store.find("device-1", NOW)).toMatchObject(flags);
  });

  test("gives a derived device keys of its own, and neither its customer's login nor derivation key", async () => {
    const derivation = keyOf("d1", { purpose: "derivation" });
    const { store } = await openWith({ keyMode: "derived" }, [keyOf("k1"), derivation]);
    const found = await store.find("device-1", NOW);
    expect(found?.keys.map(({ keyId }) => keyId)).toEqual(["d1"]);
    expect(secretsOf(found)).toEqual([deriveDeviceKey(secretFromText("secret of d1"), "device-1")]);
  });

  test("gives a shared device no derivation key", async () => {
    const { store } = await openWith({}, [keyOf("d1", { purpose: "derivation" })]);
    expect((await store.find("device-1", NOW))?.keys).toEqual([]);
  });

  test("gives no key of another customer", async () => {
    const { store } = await openWith({}, [keyOf("k1")]);
    await store.insertCustomer({ ...customer, customerId: "customer-2" }, NOW);
    await store.insertCustomerKey(keyOf("k2", { customerId: "customer-2" }));
    expect(secretsOf(await store.find("device-1", NOW))).toEqual(["secret of k1"]);
  });

  test("gives no key from before its time", async () => {
    const { store } = await openWith({}, [keyOf("k1")]);
    expect(secretsOf(await store.find("device-1", NOW - 1))).toEqual([]);
    expect(secretsOf(await store.find("device-1", NOW))).toEqual(["secret of k1"]);
  });

  test.for([
    { device: "enabled", owner: "enabled", enabled: true },
    { device: "disabled", owner: "enabled", enabled: false },
    { device: "enabled", owner: "disabled", enabled: false },
  ] as const)("a device that is $device, of a customer that is $owner", async ({ device: status, owner, enabled }) => {
    const { store } = await open();
    await store.insertCustomer({ ...customer, status: owner }, NOW);
    await store.insertDevice({ ...device, status }, NOW);
    expect((await store.find("device-1", NOW))?.enabled).toBe(enabled);
  });

  test("is unavailable when the store cannot be asked", async () => {
    const { store, close } = await openWith({}, []);
    await close();
    const refusal = await refusalFrom(store.find("device-1", NOW));
    expect(refusal.reason).toBe("unavailable");
    expect(refusal.message).toBe("the registry cannot be asked now. Try again later");
    expect(refusal.particulars).toEqual({ retryAfterMs: 5_000 });
  });
}

function describeSigningKeys(open: () => Promise<OpenedStore>): void {
  const keyNamed = (kid: string): SigningKey => ({
    kid,
    alg: "RS256",
    privateKey: Buffer.from([0, 1, 255]),
    publicJwk: { kid, kty: "RSA", alg: "RS256", use: "sig", n: "AQ", e: "AQAB" },
    createdAt: NOW,
  });

  test("has no active key at first", async () => {
    const { store } = await open();
    expect(await store.active()).toBeUndefined();
  });

  test("the first candidate becomes the active key and is given back whole", async () => {
    const { store, reopen } = await open();
    expect(await store.activateFirst(keyNamed("a"))).toEqual(keyNamed("a"));
    expect(await store.active()).toEqual(keyNamed("a"));
    expect(await (await reopen()).active()).toEqual(keyNamed("a"));
  });

  test("a later candidate is given the one that is active", async () => {
    const { store } = await open();
    await store.activateFirst(keyNamed("a"));
    expect(await store.activateFirst(keyNamed("b"))).toEqual(keyNamed("a"));
    expect(await store.activateFirst(keyNamed("a"))).toEqual(keyNamed("a"));
  });

  test("of candidates at once one wins, and all are given it", async () => {
    const { store, reopen } = await open();
    const other = await reopen();
    const winners = await Promise.all(
      Array.from({ length: 10 }, (_, place) => (place % 2 ? store : other).activateFirst(keyNamed(`k${place}`))),
    );
    expect(new Set(winners.map(({ kid }) => kid)).size).toBe(1);
    expect(await store.active()).toEqual(winners[0]);
  });
}

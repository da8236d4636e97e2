// The part of a store's contract that is about logins: CredentialStore.

import { expect, test } from "vitest";
import type { CustomerSecret, Device } from "../../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../../src/core/signature.ts";
import { refusalFrom } from "../core/refusal.ts";
import { look } from "./look.ts";
import { addCustomer, addDevice, addKey, NOW, type Open, type OpenedStore, secretsOf } from "./store-samples.ts";

export function describeCredentials(open: Open): void {
  async function openWith(
    draft: Partial<Device>,
    keys: Readonly<Record<string, Partial<CustomerSecret>>> = {},
  ): Promise<OpenedStore> {
    const opened = await open();
    await addCustomer(opened.store);
    for (const [keyId, key] of Object.entries(keys)) await addKey(opened.store, keyId, key);
    await addDevice(opened.store, draft);
    return opened;
  }

  test("finds nothing of a device that is not enrolled", async () => {
    const { store } = await openWith({});
    for (const name of ["device-2", "DEVICE-1", "device-", "device_1", "%", ""]) {
      expect((await look(store, name, NOW)).credential.enrolled).toBe(false);
    }
  });

  test("finds a device with the login keys of its customer, the newest first, to the byte", async () => {
    const odd = Buffer.from([0, 255, 10, 0xc3, 0x28]);
    const { store } = await openWith({}, { k1: { createdAt: NOW - 1 }, k2: { secret: odd } });
    const { credential } = await look(store, "device-1", NOW);
    expect(credential).toMatchObject({
      deviceKey: "device-1",
      customerId: "customer-1",
      enrolled: true,
      enabled: true,
    });
    expect(credential.keys.map(({ keyId }) => keyId)).toEqual(["k2", "k1"]);
    expect(credential.keys[0]?.secret.export()).toEqual(odd);
  });

  test("finds a device whose customer has no key, with none", async () => {
    const { store } = await openWith({});
    expect((await look(store, "device-1", NOW)).credential.keys).toEqual([]);
  });

  test.for([
    { sharedIdentity: true, replayGuard: false },
    { sharedIdentity: false, replayGuard: true },
  ])("tells the flags of a device: %j", async (flags) => {
    const { store } = await openWith(flags);
    expect((await look(store, "device-1", NOW)).credential).toMatchObject(flags);
  });

  test("gives a derived device keys of its own, and neither its customer's login nor derivation key", async () => {
    const { store } = await openWith({ keyMode: "derived" }, { k1: {}, d1: { purpose: "derivation" } });
    const found = await look(store, "device-1", NOW);
    expect(found.credential.keys.map(({ keyId }) => keyId)).toEqual(["d1"]);
    expect(secretsOf(found)).toEqual([deriveDeviceKey(secretFromText("secret of d1"), "device-1")]);
  });

  test("gives a shared device no derivation key", async () => {
    const { store } = await openWith({}, { d1: { purpose: "derivation" } });
    expect((await look(store, "device-1", NOW)).credential.keys).toEqual([]);
  });

  test("gives no key of another customer", async () => {
    const { store } = await openWith({}, { k1: {} });
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "k2", { customerId: "customer-2" });
    expect(secretsOf(await look(store, "device-1", NOW))).toEqual(["secret of k1"]);
  });

  test("gives no key from before its time", async () => {
    const { store } = await openWith({}, { k1: {} });
    expect(secretsOf(await look(store, "device-1", NOW - 1))).toEqual([]);
    expect(secretsOf(await look(store, "device-1", NOW))).toEqual(["secret of k1"]);
  });

  test.for([
    { device: "enabled", owner: "enabled", enabled: true },
    { device: "disabled", owner: "enabled", enabled: false },
    { device: "enabled", owner: "disabled", enabled: false },
  ] as const)("a device that is $device, of a customer that is $owner", async ({ device: status, owner, enabled }) => {
    const { store } = await open();
    await addCustomer(store, { status: owner });
    await addDevice(store, { status });
    expect((await look(store, "device-1", NOW)).credential.enabled).toBe(enabled);
  });

  test("is unavailable when the store cannot be asked", async () => {
    const { store, close } = await openWith({});
    await close();
    const refusal = await refusalFrom(look(store, "device-1", NOW));
    expect(refusal.reason).toBe("unavailable");
    expect(refusal.message).toBe("the registry cannot be asked now. Try again later");
    expect(refusal.particulars).toEqual({ retryAfterMs: 5_000 });
  });
}

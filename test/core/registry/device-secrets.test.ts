// Operators' changes to secrets and tokens of devices, over a real store.

import { describe, expect, test } from "vitest";
import { deriveDeviceKey, secretFromText } from "../../../src/core/signature.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { refusalFrom } from "../refusal.ts";
import { DEVICE, openWithCustomer } from "./open-registry.ts";

describe("revoking tokens", () => {
  test("marks it with the time, and tells the audit log", async () => {
    const { registry, events } = await openWithCustomer();
    await registry.devices.create(DEVICE, ACTOR);
    expect((await registry.devices.revokeTokens("pump-7", ACTOR)).tokensNotBefore).toBe(NOW);
    expect((await events()).at(-1)).toEqual({
      action: "RevokeDeviceTokens",
      resource: "devices/pump-7",
      customerId: "acme",
      details: { tokens_not_before: "2025-11-24T16:00:00.000Z" },
    });
  });

  test("takes back those of a customer, and tells the audit log", async () => {
    const { registry, clock, events } = await openWithCustomer();
    clock.now += 5;
    expect((await registry.customers.revokeTokens("acme", ACTOR)).tokensNotBefore).toBe(NOW + 5);
    expect((await events()).at(-1)).toEqual({
      action: "RevokeCustomerTokens",
      resource: "customers/acme",
      customerId: "acme",
      details: { tokens_not_before: "2025-11-24T16:00:00.005Z" },
    });
  });

  test("makes another mark each time, whatever the clock says", async () => {
    const { registry, clock } = await openWithCustomer();
    await registry.devices.create(DEVICE, ACTOR);
    const revoke = async () => (await registry.devices.revokeTokens("pump-7", ACTOR)).tokensNotBefore;
    expect([await revoke(), await revoke()]).toEqual([NOW, NOW + 1]);
    clock.now -= 50_000;
    expect(await revoke()).toBe(NOW + 2);
  });
});

describe("deriving a board's own key", () => {
  test("takes the newest live derivation key, the same each time, and is told to the audit log", async () => {
    const { registry, clock, events } = await openWithCustomer();
    await registry.devices.create(DEVICE, ACTOR);
    const issue = (draft: object) =>
      registry.customerKeys.issue({ customerId: "acme", purpose: "derivation", importedKey: "", ...draft }, ACTOR);
    const old = await issue({});
    clock.now += 1;
    const newer = await issue({});
    clock.now += 1;
    await issue({ notBefore: clock.now + 1_000 });
    await issue({ purpose: "login" });
    const derived = await registry.devices.deriveKey("pump-7", ACTOR);
    expect(derived).toEqual({
      keyId: newer.keyId,
      customerKey: deriveDeviceKey(secretFromText(newer.customerKey), "pump-7"),
    });
    expect(await registry.devices.deriveKey("pump-7", ACTOR)).toEqual(derived);
    expect((await events()).at(-1)).toEqual({
      action: "DeriveDeviceKey",
      resource: "devices/pump-7",
      customerId: "acme",
      details: { key_id: newer.keyId },
    });
    await registry.customerKeys.retire(newer.keyId, false, ACTOR);
    expect((await registry.devices.deriveKey("pump-7", ACTOR)).keyId).toBe(old.keyId);
  });

  test("is refused where there is none, and nothing is told", async () => {
    const { registry, events } = await openWithCustomer();
    await registry.devices.create(DEVICE, ACTOR);
    await registry.customerKeys.issue({ customerId: "acme", purpose: "login", importedKey: "" }, ACTOR);
    const before = await events();
    const refusal = await refusalFrom(registry.devices.deriveKey("pump-7", ACTOR));
    expect(refusal.reason).toBe("failed_precondition");
    expect(refusal.message).toBe(
      "the customer of this device has no live key for derivation that opens here. Issue one with that purpose",
    );
    expect(await events()).toEqual(before);
  });
});

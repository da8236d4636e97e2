// Customer keys: issue, import, rotation and retirement, over a real store.

import { describe, expect, test } from "vitest";
import type { CustomerKeyDraft, IssuedCustomerKey } from "../../../src/core/registry/customer-keys.ts";
import { createRegistry } from "../../../src/core/registry/registry.ts";
import { ACTOR, addDevice, NOW } from "../../contracts/store-samples.ts";
import { DEVICE, openWithIssuer } from "./open-registry.ts";

describe("issuing", () => {
  test("makes 32 random bytes in hex, and writes an audit event without the secret", async () => {
    const { issue, events } = await openWithIssuer();
    const one = await issue();
    const other = await issue({ purpose: "derivation", notBefore: NOW + 1_000, expiresAt: NOW + 2_000 });
    for (const { keyId, customerKey, warning } of [one, other]) {
      expect(customerKey).toMatch(/^[0-9a-f]{64}$/);
      expect(keyId).toMatch(/^[0-9a-f]{16}$/);
      expect(warning).toBe("");
    }
    expect(other.customerKey).not.toBe(one.customerKey);
    const written = (await events()).slice(2);
    const eventOf = ({ keyId }: IssuedCustomerKey, details: object) => ({
      action: "IssueCustomerKey",
      resource: `customer-keys/${keyId}`,
      customerId: "acme",
      details: { key_id: keyId, imported: false, ...details },
    });
    const times = { not_before: "2025-11-24T16:00:01.000Z", expires_at: "2025-11-24T16:00:02.000Z" };
    expect(written).toEqual([
      eventOf(one, { purpose: "login", not_before: "2025-11-24T16:00:00.000Z" }),
      eventOf(other, { purpose: "derivation", ...times }),
    ]);
    expect(JSON.stringify(written)).not.toContain(one.customerKey);
  });

  test.for([
    ["sixteen bytes ok", ""],
    ["fifteen bytes..", "this key has 15 bytes and can be guessed. Replace it when the firmware next changes"],
    ["k", "this key has 1 byte and can be guessed. Replace it when the firmware next changes"],
    ["ü".repeat(7), "this key has 14 bytes and can be guessed. Replace it when the firmware next changes"],
    ["a key with a newline\n", "this key begins or ends in white space. Check that the firmware has it"],
    [" a key with a space before", "this key begins or ends in white space. Check that the firmware has it"],
    ["x".repeat(1_024), ""],
  ])("takes an imported key as it is: %j", async ([importedKey = "", warning]) => {
    const { issue, store, events } = await openWithIssuer();
    const issued = await issue({ importedKey });
    expect(issued).toEqual({ keyId: expect.any(String), customerKey: importedKey, warning });
    const [kept] = await store.customerKeys.secretsOf("acme");
    expect(Buffer.from(kept?.secret ?? []).toString()).toBe(importedKey);
    expect((await events()).at(-1)?.details).toMatchObject({ imported: true });
    expect(JSON.stringify(await events())).not.toContain(JSON.stringify(importedKey));
  });

  test.for<[Partial<CustomerKeyDraft>, string, string]>([
    [{ importedKey: "x".repeat(1_025) }, "imported_key", "imported_key has 1025 bytes. It has at most 1024"],
    [{ importedKey: "ü".repeat(513) }, "imported_key", "imported_key has 1026 bytes. It has at most 1024"],
    [{ importedKey: "a key \ud800" }, "imported_key", "imported_key is not text that UTF-8 can encode"],
    [{ notBefore: NOW - 9, expiresAt: NOW - 1 }, "expires_at", "expires_at is not after now. This key would never"],
    [{ notBefore: NOW + 5, expiresAt: NOW + 5 }, "expires_at", "expires_at is not after not_before. This key would"],
    [{ customerId: "" }, "customer_id", "customer_id is missing"],
  ])("refuses %j", async ([draft, field, message]) => {
    const { issue } = await openWithIssuer();
    const error = { reason: "malformed", message: expect.stringContaining(message), details: { field } };
    await expect(issue(draft)).rejects.toMatchObject(error);
  });

  test("allows three live or future keys for a purpose, besides expired and retired ones", async () => {
    const { issue, registry, clock } = await openWithIssuer();
    const first = await issue();
    await issue({ notBefore: NOW + 1_000_000 });
    await issue({ expiresAt: NOW + 1_000 });
    const full = {
      reason: "failed_precondition",
      message: "this customer has 3 keys for login that are live or pending. Retire one first",
    };
    await expect(issue()).rejects.toMatchObject(full);
    await issue({ purpose: "derivation" });
    await issue({ customerId: "other" });
    clock.now += 1_000;
    await issue();
    await expect(issue()).rejects.toMatchObject(full);
    await registry.customerKeys.retire(first.keyId, false, ACTOR);
    await issue();
    const states = (await registry.customerKeys.list("acme")).map(({ state }) => state);
    expect(states.sort()).toEqual(["expired", "live", "live", "live", "pending", "retired"]);
  });
});

test.for(["login", "derivation"] as const)("a customer cannot have the secret of a %s key twice", async (purpose) => {
  const { issue, registry } = await openWithIssuer();
  const importedKey = "flashed already!";
  const other = purpose === "login" ? "derivation" : "login";
  const { keyId } = await issue({ purpose, importedKey });
  const taken = (why: string) => ({
    reason: "already_exists",
    message: `this key is the key ${keyId} of this customer for ${purpose}. ${why}`,
    details: { field: "imported_key" },
  });
  // HMAC ignores zero bytes at the end of a key (RFC 2104).
  for (const same of [importedKey, `${importedKey}\0`]) {
    const again = issue({ purpose, importedKey: same });
    await expect(again).rejects.toMatchObject(taken("Use that one or retire it first"));
  }
  await issue({ customerId: "other", purpose, importedKey });
  const forBoth = taken("Choose another");
  await expect(issue({ purpose: other, importedKey })).rejects.toMatchObject(forBoth);
  await registry.customerKeys.retire(keyId, false, ACTOR);
  // A retired secret may be imported again for its purpose, never for the other.
  await expect(issue({ purpose: other, importedKey })).rejects.toMatchObject(forBoth);
  await issue({ purpose, importedKey });
});

test("a key that cannot be unsealed counts among the three that may be live, and derives nothing", async () => {
  const { issue, registry, reopen } = await openWithIssuer();
  await registry.devices.create(DEVICE, ACTOR);
  await issue({ purpose: "derivation" });
  const other = createRegistry({ ...(await reopen([Buffer.alloc(32, 9)])), now: () => NOW + 1 });
  const draft = { customerId: "acme", purpose: "derivation", importedKey: "" } as const;
  const derive = () => other.devices.deriveKey(DEVICE.deviceKey, ACTOR);
  await expect(derive()).rejects.toThrow("no live derivation key that can be unsealed");
  const { keyId } = await other.customerKeys.issue(draft, ACTOR);
  expect((await derive()).keyId).toBe(keyId);
  await other.customerKeys.issue(draft, ACTOR);
  await expect(other.customerKeys.issue(draft, ACTOR)).rejects.toMatchObject({ reason: "failed_precondition" });
});

test("a rotation counts the devices on each key, and those that a retirement would stop", async () => {
  const { issue, registry, store, clock, events } = await openWithIssuer();
  const old = await issue();
  for (const deviceKey of ["a", "b", "c"]) await addDevice(store, { customerId: "acme", deviceKey });
  const recordLogin = (deviceKey: string, keyId: string): Promise<void> =>
    store.activity.record([{ deviceKey, login: { at: clock.now, keyId }, failure: undefined }]);
  for (const deviceKey of ["a", "b"]) await recordLogin(deviceKey, old.keyId);

  clock.now += 1_000;
  const next = await issue();
  await recordLogin("a", next.keyId);
  expect(await registry.customerKeys.progress("acme")).toMatchObject({
    keys: [
      { keyId: next.keyId, purpose: "login", state: "live", devices: 1, lastUseAt: NOW + 1_000 },
      { keyId: old.keyId, purpose: "login", state: "live", devices: 1, lastUseAt: NOW },
    ],
    silentDevices: 1,
  });

  const before = await events();
  const retirement = await registry.customerKeys.retire(old.keyId, true, ACTOR);
  expect(retirement).toMatchObject({ stoppedDevices: 1, silentDevices: 1, otherLiveKeys: 1, key: { state: "live" } });
  expect(await events()).toEqual(before);

  await recordLogin("b", next.keyId);
  const retired = await registry.customerKeys.retire(old.keyId, false, ACTOR);
  const key = { keyId: old.keyId, state: "retired", retiredAt: NOW + 1_000 };
  expect(retired).toMatchObject({ stoppedDevices: 0, silentDevices: 1, otherLiveKeys: 1, key });
  expect((await events()).at(-1)).toEqual({
    action: "RetireCustomerKey",
    resource: `customer-keys/${old.keyId}`,
    customerId: "acme",
    details: { key_id: old.keyId, purpose: "login" },
  });

  // A retired key is shown while devices use it.
  await recordLogin("c", old.keyId);
  await issue({ notBefore: NOW + 1_000_000 });
  const { keys } = await registry.customerKeys.progress("acme");
  expect(keys.map(({ keyId, state, devices }) => [keyId, state, devices])).toEqual([
    [next.keyId, "live", 2],
    [old.keyId, "retired", 1],
  ]);
  const last = { stoppedDevices: 2, silentDevices: 0, otherLiveKeys: 0 };
  expect(await registry.customerKeys.retire(next.keyId, true, ACTOR)).toMatchObject(last);
  expect((await registry.customerKeys.retire(old.keyId, true, ACTOR)).stoppedDevices).toBe(0);
});

test("an unknown customer and an unknown key_id are errors", async () => {
  const { registry, issue } = await openWithIssuer();
  const { customerKeys } = registry;
  const missing = { reason: "does_not_exist", details: { field: "customer_id" } };
  const calls = [customerKeys.list("nobody"), customerKeys.progress("nobody"), issue({ customerId: "nobody" })];
  for (const call of calls) await expect(call).rejects.toMatchObject(missing);
  const error = { reason: "does_not_exist", message: "no customer key has this key_id" };
  for (const keyId of ["", "\0", "ü", "x".repeat(65)]) {
    for (const dryRun of [true, false]) {
      await expect(customerKeys.retire(keyId, dryRun, ACTOR)).rejects.toMatchObject(error);
    }
  }
});

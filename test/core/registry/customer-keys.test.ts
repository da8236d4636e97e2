// Customer keys: issue, import, rotation and retirement, over a real store.

import { describe, expect, test } from "vitest";
import type { CustomerKeyDraft, IssuedCustomerKey } from "../../../src/core/registry/customer-keys.ts";
import { createRegistry } from "../../../src/core/registry/registry.ts";
import { ACTOR, addDevice, loginOf, NOW } from "../../contracts/store-samples.ts";
import { DEVICE, openWithCustomers } from "./open-registry.ts";

describe("issuing", () => {
  test("makes 32 random bytes in hex, and writes an audit event without the secret", async () => {
    const { issue, events } = await openWithCustomers();
    const before = await events();
    const one = await issue();
    const other = await issue({ purpose: "derivation", notBefore: NOW + 1_000, expiresAt: NOW + 2_000 });
    const made = {
      customerKey: expect.stringMatching(/^[0-9a-f]{64}$/),
      keyId: expect.stringMatching(/^[0-9a-f]{16}$/),
    };
    for (const issued of [one, other]) expect(issued).toEqual({ ...made, warning: "" });
    expect(other.customerKey).not.toBe(one.customerKey);
    const eventOf = ({ keyId }: IssuedCustomerKey, details: object) => ({
      action: "IssueCustomerKey",
      resource: `customer-keys/${keyId}`,
      customerId: "acme",
      details: { key_id: keyId, imported: false, ...details },
    });
    const times = { not_before: "2025-11-24T16:00:01.000Z", expires_at: "2025-11-24T16:00:02.000Z" };
    expect(await events()).toEqual([
      ...before,
      eventOf(one, { purpose: "login", not_before: "2025-11-24T16:00:00.000Z" }),
      eventOf(other, { purpose: "derivation", ...times }),
    ]);
  });

  test.for<[importedKey: string, warning: string]>([
    ["sixteen bytes ok", ""],
    ["fifteen bytes..", "this key has 15 bytes and can be guessed. Replace it when the firmware next changes"],
    ["k", "this key has 1 byte and can be guessed. Replace it when the firmware next changes"],
    ["ü".repeat(7), "this key has 14 bytes and can be guessed. Replace it when the firmware next changes"],
    ["a key with a newline\n", "this key begins or ends in white space. Check that the firmware has it"],
    [" a key with a space before", "this key begins or ends in white space. Check that the firmware has it"],
    ["x".repeat(1_024), ""],
  ])("takes an imported key as it is: %j", async ([importedKey, warning]) => {
    const { issue, store, events } = await openWithCustomers();
    expect(await issue({ importedKey })).toEqual({ keyId: expect.any(String), customerKey: importedKey, warning });
    const [stored] = await store.customerKeys.secretsOf("acme");
    expect(String(stored?.secret)).toBe(importedKey);
    expect((await events()).at(-1)?.details).toMatchObject({ imported: true });
    expect(JSON.stringify(await events())).not.toContain(JSON.stringify(importedKey));
  });

  test.for<[draft: Partial<CustomerKeyDraft>, field: string, message: string]>([
    [{ importedKey: "x".repeat(1_025) }, "imported_key", "imported_key has 1025 bytes. Send at most 1024"],
    [{ importedKey: "ü".repeat(513) }, "imported_key", "imported_key has 1026 bytes. Send at most 1024"],
    [{ importedKey: "a key \ud800" }, "imported_key", "imported_key is not text that UTF-8 can encode"],
    [{ notBefore: NOW - 9, expiresAt: NOW - 1 }, "expires_at", "expires_at is not after now. This key would never"],
    [{ notBefore: NOW + 5, expiresAt: NOW + 5 }, "expires_at", "expires_at is not after not_before. This key would"],
    [{ customerId: "" }, "customer_id", "customer_id is missing"],
  ])("refuses %j", async ([draft, field, message]) => {
    const { issue } = await openWithCustomers();
    const error = { reason: "malformed", message: expect.stringContaining(message), details: { field } };
    await expect(issue(draft)).rejects.toMatchObject(error);
  });

  test("allows three live or pending keys for a purpose, besides expired and retired ones", async () => {
    const { issue, registry, clock } = await openWithCustomers();
    const first = await issue();
    await issue({ notBefore: NOW + 1_000_000 });
    await issue({ expiresAt: NOW + 1_000 });
    const message = "this customer has 3 keys for login that are live or pending. Retire one first";
    const full = { reason: "failed_precondition", message };
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

  test.for(["login", "derivation"] as const)("a %s secret has one live key and one purpose", async (purpose) => {
    const { issue, registry } = await openWithCustomers();
    const otherPurpose = purpose === "login" ? "derivation" : "login";
    const importedKey = "flashed already!";
    const { keyId } = await issue({ purpose, importedKey });
    const taken = (cure: string) => ({
      reason: "already_exists",
      message: `this key is the key ${keyId} of this customer for ${purpose}. ${cure}`,
      details: { field: "imported_key" },
    });
    const unused = taken("Use that one or retire it first");
    await expect(issue({ purpose, importedKey })).rejects.toMatchObject(unused);
    // HMAC ignores zero bytes at the end of a key (RFC 2104).
    await expect(issue({ purpose, importedKey: `${importedKey}\0` })).rejects.toMatchObject(unused);
    await issue({ customerId: "other", purpose, importedKey });
    const forBoth = taken("Choose another");
    await expect(issue({ purpose: otherPurpose, importedKey })).rejects.toMatchObject(forBoth);
    await registry.customerKeys.retire(keyId, false, ACTOR);
    // A retired secret may be imported again for its purpose, never for the other.
    await expect(issue({ purpose: otherPurpose, importedKey })).rejects.toMatchObject(forBoth);
    await issue({ purpose, importedKey });
  });

  test("counts a key that cannot be unsealed among the three, and derives nothing from it", async () => {
    const { issue, registry, reopen } = await openWithCustomers();
    await registry.devices.create(DEVICE, ACTOR);
    await issue({ purpose: "derivation", notBefore: NOW - 1 });
    // The clock of `other` is earlier, so the key that cannot be unsealed stays the newest.
    const other = createRegistry({ ...(await reopen([Buffer.alloc(32, 9)])), now: () => NOW - 1 });
    const issueOther = () =>
      other.customerKeys.issue({ customerId: "acme", purpose: "derivation", importedKey: "" }, ACTOR);
    const derive = () => other.devices.deriveKey(DEVICE.deviceKey, ACTOR);
    await expect(derive()).rejects.toThrow("no live derivation key that can be unsealed");
    const { keyId } = await issueOther();
    expect((await derive()).keyId).toBe(keyId);
    await issueOther();
    await expect(issueOther()).rejects.toMatchObject({ reason: "failed_precondition" });
  });
});

test("a rotation counts the devices on each key, and those that a retirement would stop", async () => {
  const { issue, registry, store, clock, events } = await openWithCustomers();
  const { progress, retire } = registry.customerKeys;
  const recordLogin = (deviceKey: string, keyId: string): Promise<void> =>
    store.activity.record([loginOf(deviceKey, clock.now, keyId)]);
  const old = await issue();
  for (const deviceKey of ["a", "b", "c"]) await addDevice(store, { customerId: "acme", deviceKey });
  for (const deviceKey of ["a", "b"]) await recordLogin(deviceKey, old.keyId);
  clock.now += 1_000;
  const next = await issue();
  expect((await progress("acme")).keys).toHaveLength(2);
  await recordLogin("a", next.keyId);
  expect(await progress("acme")).toMatchObject({
    keys: [
      { keyId: next.keyId, purpose: "login", state: "live", devices: 1, lastUseAt: NOW + 1_000 },
      { keyId: old.keyId, purpose: "login", state: "live", devices: 1, lastUseAt: NOW },
    ],
    silentDevices: 1,
  });

  // A dry run changes nothing.
  const before = await events();
  const effect = { stoppedDevices: 1, silentDevices: 1, otherLiveKeys: 1 };
  expect(await retire(old.keyId, true, ACTOR)).toMatchObject({ ...effect, key: { state: "live" } });
  expect(await events()).toEqual(before);
  await recordLogin("b", next.keyId);
  const key = { keyId: old.keyId, state: "retired", retiredAt: NOW + 1_000 };
  expect(await retire(old.keyId, false, ACTOR)).toMatchObject({ ...effect, stoppedDevices: 0, key });
  // A key is retired once.
  clock.now += 1_000;
  expect(await retire(old.keyId, false, ACTOR)).toMatchObject({ key });
  const details = { key_id: old.keyId, purpose: "login" };
  const event = { action: "RetireCustomerKey", resource: `customer-keys/${old.keyId}`, customerId: "acme", details };
  expect(await events()).toEqual([...before, event]);

  // A retired key is shown while devices use it.
  await recordLogin("c", old.keyId);
  await issue({ notBefore: NOW + 1_000_000 });
  const { keys } = await progress("acme");
  expect(keys.map(({ keyId, state, devices }) => [keyId, state, devices])).toEqual([
    [next.keyId, "live", 2],
    [old.keyId, "retired", 1],
  ]);
  const last = { stoppedDevices: 2, silentDevices: 0, otherLiveKeys: 0 };
  expect(await retire(next.keyId, true, ACTOR)).toMatchObject(last);
  expect((await retire(old.keyId, true, ACTOR)).stoppedDevices).toBe(0);
});

test("an unknown customer and an unknown key_id are errors", async () => {
  const { registry, issue } = await openWithCustomers();
  const { list, progress, retire } = registry.customerKeys;
  const missing = { reason: "does_not_exist", details: { field: "customer_id" } };
  for (const call of [() => list("nobody"), () => progress("nobody"), () => issue({ customerId: "nobody" })]) {
    await expect(call()).rejects.toMatchObject(missing);
  }
  const error = { reason: "does_not_exist", message: "no customer key has this key_id" };
  for (const keyId of ["", "\0", "ü", "x".repeat(65), "nobody"]) {
    for (const dryRun of [true, false]) await expect(retire(keyId, dryRun, ACTOR)).rejects.toMatchObject(error);
  }
});

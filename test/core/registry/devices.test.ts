// Devices as operators enrol and change them, and the keys derived for them, over a real store.

import { expect, test } from "vitest";
import type { DeviceDraft } from "../../../src/core/registry/devices.ts";
import { deriveDeviceKey, secretFromText } from "../../../src/core/signature.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { DEVICE, openWithCustomers } from "./open-registry.ts";

const GIVEN = {
  displayName: "Pump 7",
  status: "disabled",
  sharedIdentity: true,
  replayGuard: true,
  labels: { site: "x", "a.b": "" },
} as const;

test("a device is enrolled unchanged, with an audit event", async () => {
  const { registry, events } = await openWithCustomers();
  const created = await registry.devices.create({ ...DEVICE, ...GIVEN }, ACTOR);
  const made = { acceptsShared: false, tokensNotBefore: 0, keyModeSince: NOW, revision: 1, createdAt: NOW };
  expect(created).toMatchObject({ ...DEVICE, ...GIVEN, ...made });
  expect(await registry.devices.get("pump-7")).toEqual(created);
  expect((await events()).at(-1)).toEqual({
    action: "CreateDevice",
    resource: "devices/pump-7",
    customerId: "acme",
    details: {
      display_name: "Pump 7",
      status: "disabled",
      key_mode: "shared",
      shared_identity: true,
      replay_guard: true,
      accepts_shared_key: false,
      labels: '{"a.b":"","site":"x"}',
      public_key: "",
    },
  });
});

test.for([
  ["shared", undefined, false],
  ["derived", undefined, true],
  ["shared", true, true],
  ["derived", false, false],
] as const)(
  "the replay guard of a device with %s keys and %s is %s, also after a move",
  async ([keyMode, replayGuard, isGuarded]) => {
    const { create, update } = (await openWithCustomers()).registry.devices;
    const created = await create({ ...DEVICE, keyMode, replayGuard }, ACTOR);
    expect(created).toMatchObject({ replayGuard: isGuarded, acceptsShared: false });
    await update("pump-7", { keyMode: keyMode === "shared" ? "derived" : "shared" }, "", ACTOR);
    expect(await update("pump-7", { keyMode, replayGuard }, "", ACTOR)).toMatchObject({ replayGuard: isGuarded });
  },
);

test.for<[Partial<DeviceDraft>, string]>([
  [{ deviceKey: '"'.repeat(49) }, "device_key"],
  [{ customerId: "" }, "customer_id"],
  [{ displayName: "\n" }, "display_name"],
  [{ labels: { "a b": "" } }, "labels"],
  [{ publicKey: "x" }, "public_key"],
])("%j is malformed", async ([draft, field]) => {
  const { create, update } = (await openWithCustomers()).registry.devices;
  const error = { reason: "malformed", details: { field } };
  await expect(create({ ...DEVICE, ...draft }, ACTOR)).rejects.toMatchObject(error);
  const { deviceKey, customerId, ...patch } = draft;
  if (deviceKey !== undefined || customerId !== undefined) return;
  await create(DEVICE, ACTOR);
  await expect(update("pump-7", patch, "", ACTOR)).rejects.toMatchObject(error);
});

test("an update replaces all labels; another order is no change", async () => {
  const { registry, events } = await openWithCustomers();
  const { create, update } = registry.devices;
  const created = await create({ ...DEVICE, labels: { b: "1", a: "2" } }, ACTOR);
  expect(await update("pump-7", { labels: { a: "2", b: "1" } }, "", ACTOR)).toEqual(created);
  expect(await update("pump-7", { labels: { c: "3" } }, "", ACTOR)).toMatchObject({ labels: { c: "3" } });
  expect((await events()).at(-1)?.details).toEqual({ labels: '{"c":"3"}' });
});

test("a device that moves to a key of its own may use both keys until the move is finished", async () => {
  const { registry, events } = await openWithCustomers();
  const { create, update } = registry.devices;
  await create(DEVICE, ACTOR);
  const moved = { keyMode: "derived", acceptsShared: true, replayGuard: true };
  expect(await update("pump-7", { keyMode: "derived" }, "", ACTOR)).toMatchObject(moved);
  const details = { key_mode: "derived", accepts_shared_key: true, replay_guard: true };
  expect((await events()).at(-1)?.details).toEqual(details);
  expect(await update("pump-7", { keyMode: "derived", displayName: "x" }, "", ACTOR)).toMatchObject(moved);

  const finished = await update("pump-7", { finishMove: true }, "", ACTOR);
  expect(finished).toMatchObject({ keyMode: "derived", acceptsShared: false });
  expect((await events()).at(-1)?.details).toEqual({ accepts_shared_key: false });
  const back = await update("pump-7", { keyMode: "shared" }, "", ACTOR);
  expect(back).toMatchObject({ keyMode: "shared", acceptsShared: false, replayGuard: false });
});

test("a board's own key derives from the newest live derivation key, each time with an audit event", async () => {
  const { registry, clock, events, issue } = await openWithCustomers();
  const derive = (deviceKey = "pump-7") => registry.devices.deriveKey(deviceKey, ACTOR);
  await registry.devices.create(DEVICE, ACTOR);
  await issue();
  const before = await events();
  await expect(derive()).rejects.toMatchObject({
    reason: "failed_precondition",
    message:
      "the customer of this device has no live derivation key that can be unsealed. Issue one with purpose derivation",
  });
  expect(await events()).toEqual(before);

  const old = await issue({ purpose: "derivation" });
  clock.now += 1;
  const { keyId, customerKey } = await issue({ purpose: "derivation" });
  clock.now += 1;
  await issue({ purpose: "derivation", notBefore: clock.now + 1_000 });
  const derived = { keyId, customerKey: deriveDeviceKey(secretFromText(customerKey), "pump-7") };
  expect([await derive(), await derive()]).toEqual([derived, derived]);
  const event = { action: "DeriveDeviceKey", resource: "devices/pump-7", details: { key_id: keyId } };
  expect((await events()).slice(-2)).toMatchObject([event, event]);
  await registry.customerKeys.retire(keyId, false, ACTOR);
  expect((await derive()).keyId).toBe(old.keyId);
  await expect(derive("nobody")).rejects.toMatchObject({ reason: "does_not_exist" });
});

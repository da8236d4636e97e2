// Devices, as operators see to them, over a real store.

import { describe, expect, test } from "vitest";
import type { DeviceDraft } from "../../../src/core/registry/device-changes.ts";
import { etagOf } from "../../../src/core/registry/pages.ts";
import { ACTOR, NOW } from "../../contracts/store-samples.ts";
import { refusalFrom } from "../refusal.ts";
import { ALL, DEVICE, openWithCustomer } from "./open-registry.ts";

describe("enrolling", () => {
  test("keeps what it is given, and tells the audit log", async () => {
    const { registry, events } = await openWithCustomer();
    const draft = {
      ...DEVICE,
      displayName: "Pump 7",
      status: "disabled",
      sharedIdentity: true,
      replayGuard: true,
      labels: { site: "x", "a.b": "" },
    } as const;
    const created = await registry.devices.create(draft, ACTOR);
    expect(created).toMatchObject({ ...draft, acceptsShared: false, tokensNotBefore: 0, revision: 1, createdAt: NOW });
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

  test("makes a name of a device that has none", async () => {
    const { registry } = await openWithCustomer();
    const { deviceKey } = await registry.devices.create({ ...DEVICE, deviceKey: "" }, ACTOR);
    expect(deviceKey).toMatch(/^[0-9a-f]{24}$/);
  });

  test.for([
    ["shared", undefined, false],
    ["derived", undefined, true],
    ["shared", true, true],
    ["derived", false, false],
  ] as const)("one with %s keys has its replay guard %s: %s", async ([keyMode, replayGuard, guarded]) => {
    const { registry } = await openWithCustomer();
    const created = await registry.devices.create({ ...DEVICE, keyMode, replayGuard }, ACTOR);
    expect(created.replayGuard).toBe(guarded);
    expect(created.acceptsShared).toBe(false);
  });

  test.for<[Partial<DeviceDraft>, string]>([
    [{ deviceKey: "a b" }, "device_key"],
    [{ deviceKey: '"'.repeat(49) }, "device_key"],
    [{ displayName: "\n" }, "display_name"],
    [{ labels: { "a b": "" } }, "labels"],
    [{ customerId: "" }, "customer_id"],
    [{ customerId: "\0" }, "customer_id"],
  ])("refuses %j", async ([draft, field]) => {
    const { registry } = await openWithCustomer();
    const refusal = await refusalFrom(registry.devices.create({ ...DEVICE, ...draft }, ACTOR));
    expect(refusal.reason).toBe("malformed");
    expect(refusal.details).toEqual({ field });
  });
});

describe("changing", () => {
  test("changes what a patch has and nothing else, and tells what is new", async () => {
    const { registry, clock, events } = await openWithCustomer();
    const created = await registry.devices.create({ ...DEVICE, labels: { b: "1", a: "2" } }, ACTOR);
    clock.now += 5;
    const updated = await registry.devices.update(
      "pump-7",
      { status: "disabled", displayName: "Seven", labels: { c: "3" } },
      etagOf(created),
      ACTOR,
    );
    expect(updated).toEqual({
      ...created,
      status: "disabled",
      displayName: "Seven",
      labels: { c: "3" },
      // Tokens that were issued before are revoked.
      tokensNotBefore: NOW + 5,
      updatedAt: NOW + 5,
      revision: 2,
    });
    expect((await events()).at(-1)).toEqual({
      action: "UpdateDevice",
      resource: "devices/pump-7",
      customerId: "acme",
      details: { status: "disabled", display_name: "Seven", labels: '{"c":"3"}' },
    });
  });

  test("a patch that changes nothing writes nothing", async () => {
    const { registry, events } = await openWithCustomer();
    const created = await registry.devices.create({ ...DEVICE, labels: { b: "1", a: "2" } }, ACTOR);
    const patch = { keyMode: "shared", replayGuard: false, labels: { a: "2", b: "1" } } as const;
    expect(await registry.devices.update("pump-7", {}, "", ACTOR)).toEqual(created);
    expect(await registry.devices.update("pump-7", patch, "", ACTOR)).toEqual(created);
    expect(await events()).toHaveLength(2);
  });

  test("refuses what is malformed, and another version", async () => {
    const { registry } = await openWithCustomer();
    await registry.devices.create(DEVICE, ACTOR);
    const etag = etagOf(await registry.devices.update("pump-7", { displayName: "x" }, "", ACTOR));
    await registry.devices.update("pump-7", { displayName: "y" }, "", ACTOR);
    for (const patch of [{ displayName: "\0" }, { labels: { a: ";" } }]) {
      expect((await refusalFrom(registry.devices.update("pump-7", patch, "", ACTOR))).reason).toBe("malformed");
    }
    expect((await refusalFrom(registry.devices.update("pump-7", {}, etag, ACTOR))).reason).toBe("etag_mismatch");
    expect((await refusalFrom(registry.devices.delete("pump-7", etag, ACTOR))).reason).toBe("etag_mismatch");
    expect((await registry.devices.get("pump-7")).displayName).toBe("y");
  });

  test("one that is moved to keys of its own takes both until the move is finished", async () => {
    const { registry, events } = await openWithCustomer();
    await registry.devices.create(DEVICE, ACTOR);
    const moved = await registry.devices.update("pump-7", { keyMode: "derived" }, "", ACTOR);
    expect(moved).toMatchObject({ keyMode: "derived", acceptsShared: true, replayGuard: true });
    expect((await events()).at(-1)?.details).toEqual({
      key_mode: "derived",
      accepts_shared_key: true,
      replay_guard: true,
    });
    const again = await registry.devices.update("pump-7", { keyMode: "derived", displayName: "x" }, "", ACTOR);
    expect(again).toMatchObject({ acceptsShared: true, replayGuard: true });

    const finished = await registry.devices.update("pump-7", { finishMove: true }, "", ACTOR);
    expect(finished).toMatchObject({ keyMode: "derived", acceptsShared: false });
    expect((await events()).at(-1)?.details).toEqual({ accepts_shared_key: false });

    const back = await registry.devices.update("pump-7", { keyMode: "shared" }, "", ACTOR);
    expect(back).toMatchObject({ keyMode: "shared", acceptsShared: false, replayGuard: false });
  });

  test.for([
    ["derived", false],
    ["shared", true],
  ] as const)(
    "the replay guard of one that is moved to %s keys is as a patch says: %s",
    async ([keyMode, replayGuard]) => {
      const { registry } = await openWithCustomer();
      await registry.devices.create({ ...DEVICE, keyMode: keyMode === "shared" ? "derived" : "shared" }, ACTOR);
      const moved = await registry.devices.update("pump-7", { keyMode, replayGuard }, "", ACTOR);
      expect(moved.replayGuard).toBe(replayGuard);
    },
  );
});

test("deletes a device", async () => {
  const { registry, events } = await openWithCustomer();
  const created = await registry.devices.create(DEVICE, ACTOR);
  await registry.devices.delete("pump-7", etagOf(created), ACTOR);
  expect((await refusalFrom(registry.devices.get("pump-7"))).reason).toBe("does_not_exist");
  expect((await events()).at(-1)).toEqual({
    action: "DeleteDevice",
    resource: "devices/pump-7",
    customerId: "acme",
    details: {},
  });
});

test("lists devices with every field that a filter may name", async () => {
  const { registry, store } = await openWithCustomer();
  await registry.devices.create({ ...DEVICE, labels: { site: "north 1" } }, ACTOR);
  await registry.devices.create({ ...DEVICE, deviceKey: "pump-8", status: "disabled" }, ACTOR);
  await store.activity.record([{ deviceKey: "pump-7", login: { at: NOW, keyId: "k1" }, failure: undefined }]);
  const list = async (filter: string): Promise<string> =>
    (await registry.devices.list({ ...ALL, filter })).items.map(({ deviceKey }) => deviceKey).join(" ");
  expect(await list("")).toBe("pump-7 pump-8");
  for (const condition of [
    'customer_id = "acme"',
    "device_key = pump-7",
    'display_name = ""',
    "status = STATUS_ENABLED",
    "key_mode = shared",
    "shared_identity = false",
    "replay_guard = false",
    "accepts_shared_key = false",
    "last_key_id = k1",
    'last_failure_reason = ""',
    'last_login_time >= "2025-11-24T16:00:00Z"',
    'create_time <= "2025-11-24T16:00:00Z"',
    'labels.site = "north 1"',
  ]) {
    expect([condition, await list(`${condition} AND last_key_id != ""`)]).toEqual([condition, "pump-7"]);
  }
  expect(await list('last_failure_time > "2000-01-01T00:00:00Z"')).toBe("");
});

test("says what is not there, and what no name can be", async () => {
  const { registry } = await openWithCustomer();
  for (const [name, reason] of [
    ["nobody", "does_not_exist"],
    ["", "malformed"],
    ["\0", "malformed"],
  ] as const) {
    for (const ask of [
      () => registry.devices.get(name),
      () => registry.devices.update(name, {}, "", ACTOR),
      () => registry.devices.delete(name, "", ACTOR),
      () => registry.devices.revokeTokens(name, ACTOR),
      () => registry.devices.deriveKey(name, ACTOR),
    ]) {
      expect((await refusalFrom(ask())).reason).toBe(reason);
    }
  }
});

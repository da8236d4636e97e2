// The store's contract for logins: credentials, activity, and devices that move.

import { expect, test } from "vitest";
import type { ActivityUpdate } from "../../src/core/activity.ts";
import type { Credential } from "../../src/core/ports.ts";
import type { Activity, CustomerSecret, Device } from "../../src/core/registry/ports.ts";
import {
  actionsOf,
  addCustomer,
  addDevice,
  addKey,
  changing,
  enrolMany,
  entryOf,
  failureOf,
  loginOf,
  NOW,
  type Open,
  openWithCustomer,
  UNSEEN,
} from "./store-samples.ts";

/** The ids of a credential's keys, derivation keys first. */
const keyIdsOf = ({ loginKeys, derivationKeys }: Credential): string[] =>
  [...derivationKeys, ...loginKeys].map(({ keyId }) => keyId);

export function describeLogins(open: Open): void {
  async function openWith(draft: Partial<Device>, keys: Readonly<Record<string, Partial<CustomerSecret>>> = {}) {
    const opened = await openWithCustomer(open);
    for (const [keyId, key] of Object.entries(keys)) await addKey(opened.store, keyId, key);
    await addDevice(opened.store, draft);
    return opened;
  }

  test("an unknown device is a decoy with three keys of each purpose", async () => {
    const { store } = await openWith({}, { k1: {} });
    for (const deviceKey of ["device-2", "DEVICE-1", "device-", "device_1", "%", ""]) {
      const credential = await store.credentials.find(deviceKey, NOW);
      expect(credential).toMatchObject({ deviceKey, enrolled: false, enabled: false, movingSince: undefined });
      expect([credential.loginKeys.length, credential.derivationKeys.length]).toEqual([3, 3]);
    }
  });

  test("a device has the exact login keys of its customer, the newest first", async () => {
    const odd = Buffer.from([0, 255, 10, 0xc3, 0x28]);
    const { store } = await openWith({}, { k1: { createdAt: NOW - 1 }, k2: { secret: odd } });
    const credential = await store.credentials.find("device-1", NOW);
    const standing = { deviceKey: "device-1", customerId: "customer-1", enrolled: true, enabled: true };
    expect(credential).toMatchObject(standing);
    expect(keyIdsOf(credential)).toEqual(["k2", "k1"]);
    expect(credential.loginKeys[0]?.secret.export()).toEqual(odd);
  });

  /** The draft of a device that moves to a key of its own, and keys of both purposes. */
  const MOVING = { keyMode: "derived", keyModeSince: NOW, acceptsShared: true } as const;
  const BOTH = { k1: {}, d1: { purpose: "derivation" } } as const;

  test.for<[Partial<Device>, Partial<Credential>, ...string[]]>([
    [{}, { enabled: true }, "k1"],
    [{ keyMode: "derived" }, { enabled: true }, "d1"],
    [MOVING, { enabled: true, movingSince: NOW }, "d1", "k1"],
    [{ publicKey: "AQAB" }, { enabled: true, publicKey: "AQAB" }],
    [{ sharedIdentity: true }, { enabled: true, sharedIdentity: true }, "k1"],
    [{ replayGuard: true }, { enabled: true, replayGuard: true }, "k1"],
    [{ status: "disabled" }, { enabled: false }, "k1"],
    [{ customerId: "customer-2" }, { enabled: false, customerId: "customer-2" }, "k2"],
  ])("a device with %j has %j and the keys that its mode uses", async ([draft, found, ...keyIds]) => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2", status: "disabled" });
    await addKey(store, "k1");
    await addKey(store, "d1", { purpose: "derivation" });
    await addKey(store, "k2", { customerId: "customer-2" });
    await addDevice(store, draft);
    const credential = await store.credentials.find("device-1", NOW);
    const usual = { sharedIdentity: false, replayGuard: false, publicKey: "", movingSince: undefined };
    expect(credential).toMatchObject({ ...usual, ...found });
    expect(keyIdsOf(credential)).toEqual(keyIds);
  });

  test("answers many look-ups at once, each with its own row", async () => {
    const { store } = await openWith({}, { k1: {} });
    const names = await enrolMany(store, 200);
    const asked = [...names, ...names].map((name, index) => (index % 3 === 0 ? `unknown-${index}` : name));
    const found = await Promise.all(asked.map((name) => store.credentials.find(name, NOW)));
    const expected = asked.map((deviceKey) => ({ deviceKey, enrolled: !deviceKey.startsWith("unknown") }));
    expect(found).toMatchObject(expected);
  });

  test("sees at once what another gateway changed: keys, limits, status", async () => {
    const { store, reopen } = await openWith({}, { k1: {} });
    const other = await reopen();
    const find = () => other.credentials.find("device-1", NOW);
    expect(keyIdsOf(await find())).toEqual(["k1"]);
    await addKey(store, "k2", { createdAt: NOW + 1 });
    expect(keyIdsOf(await find())).toEqual(["k2", "k1"]);
    await store.customerKeys.retire("k1", () => entryOf("RetireCustomerKey"));
    expect(keyIdsOf(await find())).toEqual(["k2"]);
    await store.customers.update("customer-1", changing({ loginLimit: "5/60s", status: "disabled" }));
    expect(await find()).toMatchObject({ enabled: false, loginLimit: { limit: 5 } });
  });

  test("a key is live from its not_before time until it expires", async () => {
    const now = { notBefore: NOW, expiresAt: NOW + 300 };
    const { store } = await openWith({}, { now, later: { notBefore: NOW + 100, createdAt: NOW - 1 } });
    const found = async (at: number): Promise<string[]> => keyIdsOf(await store.credentials.find("device-1", at));
    expect(await found(NOW - 1)).toEqual([]);
    expect(await found(NOW)).toEqual(["now"]);
    expect(await found(NOW + 100)).toEqual(["now", "later"]);
    expect(await found(NOW + 300)).toEqual(["later"]);
  });

  test("reads whether a token's device is enrolled and enabled, and whether the token was revoked", async () => {
    const { store } = await openWith({});
    await store.revokedTokens.insert({ jti: "t-1", expiresAt: 1 }, entryOf("RevokeToken"));
    const standing = { enrolled: true, enabled: true, marks: { customerId: "customer-1", device: 0 } };
    expect(await store.credentials.findStanding("device-1", "t-1")).toMatchObject({ ...standing, isRevoked: true });
    expect(await store.credentials.findStanding("device-1", "t-2")).toMatchObject({ ...standing, isRevoked: false });
    expect(await store.credentials.findStanding("nobody", "t-1")).toMatchObject({ enrolled: false });
  });

  test("a move that is finished ends the shared key, with one event, for every gateway", async () => {
    const { store, reopen } = await openWith(MOVING, BOTH);
    const other = await reopen();
    const move = { deviceKey: "device-1", movingSince: NOW };
    await Promise.all([store, other].map(({ activity }) => activity.finishMoves([move], NOW + 5)));
    const finished = { acceptsShared: false, updatedAt: NOW + 5, revision: 2 };
    expect(await other.devices.find("device-1")).toMatchObject(finished);
    const credential = await other.credentials.find("device-1", NOW);
    expect([credential.movingSince, keyIdsOf(credential)]).toEqual([undefined, ["d1"]]);
    expect((await actionsOf(store)).filter((action) => action === "FinishMove")).toHaveLength(1);
  });

  test("a later move is not finished, nor the move of a deleted device", async () => {
    const { store } = await openWith(MOVING);
    const finish = (deviceKey: string, movingSince: number) =>
      store.activity.finishMoves([{ deviceKey, movingSince }], NOW);
    await finish("device-1", NOW - 1);
    await finish("nobody", NOW);
    await finish("", 0);
    expect((await store.devices.find("device-1"))?.acceptsShared).toBe(true);
    await store.devices.update("device-1", changing({ keyMode: "shared", acceptsShared: false }));
    await finish("device-1", NOW);
    expect(await actionsOf(store)).not.toContain("FinishMove");
  });

  test("the last login and the last failure are stored apart, and change neither the version nor the audit log", async () => {
    const { store } = await openWith({});
    const before = await actionsOf(store);
    const ahead = NOW + 2 * 86_400_000;
    let activity: Activity = UNSEEN;
    for (const [update, changes] of [
      [loginOf("device-1", ahead), { lastLoginAt: ahead, lastKeyId: "k1" }],
      [failureOf("device-1", ahead, "disabled"), { lastFailureAt: ahead, lastFailureReason: "disabled" }],
      // A clock that was days ahead does not hide later events.
      [loginOf("device-1", NOW + 5, "k2"), { lastLoginAt: NOW + 5, lastKeyId: "k2" }],
      [failureOf("device-1", NOW + 6, "replayed"), { lastFailureAt: NOW + 6, lastFailureReason: "replayed" }],
      // Another gateway records older events later.
      [{ ...loginOf("device-1", NOW, "k3"), failure: { at: NOW, reason: "clock_skew" } }, {}],
    ] satisfies [ActivityUpdate, Partial<Activity>][]) {
      await store.activity.record([update]);
      activity = { ...activity, ...changes };
      expect(await store.devices.find("device-1")).toMatchObject({ ...activity, revision: 1 });
    }
    expect(await actionsOf(store)).toEqual(before);
  });

  test("activity of unknown names and of the decoy leaves no row", async () => {
    const { store, database } = await openWith({});
    const names = ["nobody", "deleted", "", "device-1"];
    await store.activity.record([]);
    await store.activity.record(names.map((name) => loginOf(name)));
    await store.activity.record(names.map((name) => failureOf(name)));
    const rows = await database.db.selectFrom("device_activity").select("device_key").execute();
    expect(rows).toEqual([{ device_key: "device-1" }]);
  });

  test("several gateways record the same devices at once, in any order", async () => {
    const names = Array.from({ length: 60 }, (_, index) => `device-${index}`);
    const { store, reopen } = await openWithCustomer(open);
    for (const deviceKey of names) await addDevice(store, { deviceKey });
    const stores = [store, await reopen(), await reopen()];
    await Promise.all(
      Array.from({ length: 12 }, (_, round) => {
        const order = round % 2 === 0 ? names : names.toReversed();
        return stores[round % 3]?.activity.record(order.map((name) => loginOf(name, NOW + round, `k${round}`)));
      }),
    );
    for (const name of names) expect((await store.devices.find(name))?.lastLoginAt).toBe(NOW + 11);
  });

  test.for([loginOf, failureOf])("activity from before an enrolment is not the new device's", async (updateOf) => {
    const { store } = await openWith({});
    await store.activity.record([updateOf("device-1", NOW - 1)]);
    expect(await store.devices.find("device-1")).toMatchObject(UNSEEN);
    await store.activity.record([updateOf("device-1", NOW)]);
    const { lastLoginAt, lastFailureAt } = (await store.devices.find("device-1")) ?? {};
    expect(lastLoginAt ?? lastFailureAt).toBe(NOW);
  });
}

// The store's contract for customer keys: CustomerKeyStore.

import { expect, test } from "vitest";
import type { Device } from "../../src/core/registry/ports.ts";
import { createRegistry } from "../../src/core/registry/registry.ts";
import type { Store } from "../../src/store/sql.ts";
import {
  ACTOR,
  actionsOf,
  addCustomer,
  addDevice,
  addKey,
  enrolMany,
  entryOf,
  failureOf,
  keyOf,
  loginOf,
  NOW,
  type Open,
  openWithCustomer,
} from "./store-samples.ts";

export function describeCustomerKeys(open: Open): void {
  const textsOf = async ({ customerKeys }: Store): Promise<readonly string[]> =>
    (await customerKeys.secretsOf("customer-1")).flatMap(({ secret }) => secret?.toString() ?? []);

  test("another process reads exactly the acknowledged key", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const { secret, ...key } = keyOf("k1", {
      purpose: "derivation",
      secret: Buffer.from([0, 255, 10, 0xc3, 0x28]),
      notBefore: NOW + 1,
      expiresAt: NOW + 2,
      createdAt: NOW - 1,
    });
    await store.customerKeys.insert({ ...key, secret: Buffer.from(secret) }, () => {}, entryOf("IssueCustomerKey"));
    const other = await reopen();
    expect(await other.customerKeys.list("customer-1")).toEqual([key]);
    expect(await other.customerKeys.secretsOf("customer-1")).toEqual([{ ...key, secret }]);
  });

  test("lists the keys and secrets of one customer, the newest first, the retired ones too", async () => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "other", { customerId: "customer-2" });
    for (const index of [3, 1, 5, 2, 4]) await addKey(store, `k${index}`, { createdAt: NOW + Math.floor(index / 2) });
    await store.customerKeys.retire("k3", () => entryOf("RetireCustomerKey"));
    const all = ["k5", "k4", "k3", "k2", "k1"];
    for (const list of [store.customerKeys.secretsOf, store.customerKeys.list]) {
      expect((await list("customer-1")).map(({ keyId }) => keyId)).toEqual(all);
    }
  });

  test("the check gets every other key of the customer, unsealed, and its error stops the insert", async () => {
    const { store } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "other", { customerId: "customer-2" });
    await addKey(store, "k1");
    await addKey(store, "d1", { purpose: "derivation", createdAt: NOW - 1 });
    const before = await actionsOf(store);
    const seen: string[] = [];
    const insert = store.customerKeys.insert(
      keyOf("k2"),
      (others) => {
        seen.push(...others.map(({ keyId, secret }) => `${keyId} ${secret}`));
        throw new RangeError("no");
      },
      entryOf("IssueCustomerKey"),
    );
    await expect(insert).rejects.toThrow(RangeError);
    expect(seen).toEqual(["k1 secret of k1", "d1 secret of d1"]);
    expect(await textsOf(store)).toEqual(["secret of k1", "secret of d1"]);
    expect(await actionsOf(store)).toEqual(before);
  });

  test("a key is retired once, at the time of the entry", async () => {
    const { store } = await openWithCustomer(open);
    await addKey(store, "k1");
    await addKey(store, "k2");
    const { customerKeys } = store;
    const retired = await customerKeys.retire("k1", () => entryOf("RetireCustomerKey", { at: NOW + 7 }));
    expect(retired).toMatchObject({ keyId: "k1", retiredAt: NOW + 7 });
    const again = await customerKeys.retire("k1", (current) => {
      expect(current).toEqual(retired);
      return undefined;
    });
    expect(again).toEqual(retired);
    expect(await customerKeys.list("customer-1")).toMatchObject([{ keyId: "k2", retiredAt: undefined }, retired]);
    expect((await actionsOf(store)).slice(3)).toEqual(["RetireCustomerKey"]);
  });

  test("accepts three of many concurrent keys", async () => {
    const { store, reopen } = await openWithCustomer(open);
    const stores = [store, await reopen()];
    const draft = { customerId: "customer-1", purpose: "login", importedKey: "" } as const;
    const outcomes = await Promise.allSettled(
      stores.flatMap((each) => {
        const { customerKeys } = createRegistry({ ...each, now: () => NOW });
        return Array.from({ length: 5 }, () => customerKeys.issue(draft, ACTOR));
      }),
    );
    const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    expect(errors).toMatchObject(Array(7).fill({ reason: "failed_precondition" }));
    expect(await store.customerKeys.list("customer-1")).toHaveLength(3);
  });

  test("a secret that cannot be unsealed is undefined, and reported until its key is retired", async () => {
    const { store, reopen, faults } = await openWithCustomer(open);
    await addKey(store, "k1");
    const other = await reopen([Buffer.alloc(32, 9)]);
    expect(await other.customerKeys.secretsOf("customer-1")).toMatchObject([{ keyId: "k1", secret: undefined }]);
    expect(String(faults[0])).toContain("the sealed secret of customer_key customer-1 k1 login is sealed with another");
    await addKey(other, "k2");
    const reported = faults.length;
    await store.customerKeys.retire("k1", () => entryOf("RetireCustomerKey"));
    expect([await textsOf(other), faults.length]).toEqual([["secret of k2"], reported]);
    expect(await textsOf(store)).toEqual(["secret of k1"]);
  });

  test("counts each device under the key of its last login, and devices without a login separately", async () => {
    const { store } = await openWithCustomer(open);
    for (const name of ["customer-1", "customer-2", ""]) {
      expect(await store.customerKeys.usageOf(name)).toEqual({ keys: new Map(), silentDevices: 0 });
    }
    await addCustomer(store, { customerId: "customer-2" });
    const derived = { keyMode: "derived" } as const;
    const moving = { ...derived, acceptsShared: true };
    for (const [deviceKey, draft, ...logins] of [
      ["a", {}, [0, "old"], [10, "new"], [30, "new"]],
      ["b", {}, [5, "new"]],
      ["c", {}, [7, "old"]],
      ["d", moving, [9, "old"]],
      ["e", derived, [9, "own"]],
      ["f", {}],
      ["g", moving],
      ["h", derived],
      ["other", { customerId: "customer-2" }, [0, "new"]],
    ] as readonly (readonly [string, Partial<Device>, ...(readonly [number, string])[]])[]) {
      await addDevice(store, { ...draft, deviceKey });
      for (const [after, keyId] of logins) await store.activity.record([loginOf(deviceKey, NOW + after, keyId)]);
    }
    await store.activity.record([failureOf("f", NOW)]);
    expect(await store.customerKeys.usageOf("customer-1")).toEqual({
      keys: new Map([
        ["new", { devices: 2, lastUseAt: NOW + 30 }],
        ["old", { devices: 2, lastUseAt: NOW + 9 }],
        ["own", { devices: 1, lastUseAt: NOW + 9 }],
      ]),
      silentDevices: 3,
    });
  });

  test("counts each device once over many steps, and lets other tasks run in between", async () => {
    const { store } = await openWithCustomer(open);
    const names = await enrolMany(store, 4_100);
    const logins = names.map((deviceKey, index) => loginOf(deviceKey, NOW + index, index % 2 ? "odd" : "even"));
    await store.activity.record(logins);
    let turns = 0;
    let isCounting = true;
    const turn = (): void => {
      turns++;
      if (isCounting) setImmediate(turn);
    };
    setImmediate(turn);
    const usage = await store.customerKeys.usageOf("customer-1");
    isCounting = false;
    const even = { devices: 2_050, lastUseAt: NOW + 4_098 };
    const keys = new Map(Object.entries({ even, odd: { devices: 2_050, lastUseAt: NOW + 4_099 } }));
    expect(usage).toEqual({ keys, silentDevices: 0 });
    expect(turns).toBeGreaterThanOrEqual(2);
  });
}

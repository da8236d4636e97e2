// The store's contract for customer keys: CustomerKeyStore.

import { expect, test } from "vitest";
import { createRegistry } from "../../src/core/registry/registry.ts";
import type { Store } from "../../src/store/sql.ts";
import {
  ACTOR,
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
  const secretTexts = async ({ customerKeys }: Store): Promise<readonly string[]> =>
    (await customerKeys.secretsOf("customer-1")).flatMap(({ secret }) => secret?.toString() ?? []);

  test("another process reads the exact keys and secrets of a customer, the newest first, the retired ones too", async () => {
    const { store, reopen } = await openWithCustomer(open);
    await addCustomer(store, { customerId: "customer-2" });
    await addKey(store, "other", { customerId: "customer-2" });
    const odd = {
      purpose: "derivation",
      secret: Buffer.from([0, 255, 10, 0xc3, 0x28]),
      notBefore: NOW + 1,
      expiresAt: NOW + 2,
      createdAt: NOW + 3,
    } as const;
    const sorted = [keyOf("k1", odd), keyOf("k4"), keyOf("k3"), keyOf("k2", { createdAt: NOW - 1 })];
    for (const key of sorted.toReversed()) await addKey(store, key.keyId, key);
    await store.customerKeys.retire("k3", () => entryOf("RetireCustomerKey", { at: NOW + 7 }));
    const stored = sorted.map((key) => (key.keyId === "k3" ? { ...key, retiredAt: NOW + 7 } : key));
    const { customerKeys } = await reopen();
    expect(await customerKeys.secretsOf("customer-1")).toEqual(stored);
    expect(await customerKeys.list("customer-1")).toEqual(stored.map(({ secret: _, ...key }) => key));
  });

  test("accepts three of ten keys that two processes issue at once", async () => {
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
    expect(await secretTexts(other)).toEqual(["secret of k2"]);
    expect(faults).toHaveLength(reported);
    expect(await secretTexts(store)).toEqual(["secret of k1"]);
  });

  test("counts each device once, under the key of its last login, and lets other tasks run meanwhile", async () => {
    const { store } = await openWithCustomer(open);
    const { usageOf } = store.customerKeys;
    await addCustomer(store, { customerId: "customer-2" });
    const names = await enrolMany(store, 4_100);
    const drafts = { moved: {}, "own-key": { publicKey: "AQAB" }, silent: {}, other: { customerId: "customer-2" } };
    for (const [deviceKey, draft] of Object.entries(drafts)) await addDevice(store, { ...draft, deviceKey });
    await store.activity.record([
      ...names.map((deviceKey, index) => loginOf(deviceKey, NOW + index, index % 2 === 0 ? "k2" : "k1")),
      loginOf("moved", NOW, "k1"),
      loginOf("own-key"),
      failureOf("silent"),
      loginOf("other"),
    ]);
    await store.activity.record([loginOf("moved", NOW + 1, "k3")]);
    let turns = 0;
    let isCounting = true;
    const countTurn = (): void => {
      turns++;
      if (isCounting) setImmediate(countTurn);
    };
    setImmediate(countTurn);
    const usage = await usageOf("customer-1");
    isCounting = false;
    const keys = {
      k1: { devices: 2_050, lastUseAt: NOW + 4_099 },
      k2: { devices: 2_050, lastUseAt: NOW + 4_098 },
      k3: { devices: 1, lastUseAt: NOW + 1 },
      public_key: { devices: 1, lastUseAt: NOW },
    };
    expect(usage).toEqual({ keys: new Map(Object.entries(keys)), silentDevices: 1 });
    expect(turns).toBeGreaterThanOrEqual(2);
    for (const name of ["", "nobody"]) expect(await usageOf(name)).toEqual({ keys: new Map(), silentDevices: 0 });
  });
}

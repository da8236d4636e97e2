// The store's contract for the devices of each key: CustomerKeyStore.usageOf.

import { expect, test } from "vitest";
import type { Device } from "../../src/core/registry/ports.ts";
import type { Store } from "../../src/store/sql.ts";
import { addCustomer, addDevice, enrolMany, NOW, type Open, openWithCustomer } from "./store-samples.ts";

export function describeKeyUsage(open: Open): void {
  async function addSeen(
    store: Store,
    deviceKey: string,
    draft: Partial<Device>,
    logins: readonly { readonly at: number; readonly keyId: string }[] = [],
  ): Promise<void> {
    await addDevice(store, { ...draft, deviceKey });
    for (const login of logins) await store.activity.record([{ deviceKey, login, failure: undefined }]);
  }

  test("counts each device under the key of its last login, and those that were not seen apart", async () => {
    const { store } = await openWithCustomer(open);
    for (const name of ["customer-1", "customer-2", ""]) {
      expect(await store.customerKeys.usageOf(name)).toEqual({ keys: new Map(), silentDevices: 0 });
    }
    await addCustomer(store, { customerId: "customer-2" });
    await addSeen(store, "a", {}, [
      { at: NOW, keyId: "old" },
      { at: NOW + 10, keyId: "new" },
      { at: NOW + 30, keyId: "new" },
    ]);
    await addSeen(store, "b", {}, [{ at: NOW + 5, keyId: "new" }]);
    await addSeen(store, "c", {}, [{ at: NOW + 7, keyId: "old" }]);
    await addSeen(store, "d", { keyMode: "derived", acceptsShared: true }, [{ at: NOW + 9, keyId: "old" }]);
    await addSeen(store, "e", { keyMode: "derived" }, [{ at: NOW + 9, keyId: "own" }]);
    await addSeen(store, "f", {});
    await addSeen(store, "g", { keyMode: "derived", acceptsShared: true });
    await addSeen(store, "h", { keyMode: "derived" });
    await store.activity.record([{ deviceKey: "f", login: undefined, failure: { at: NOW, reason: "disabled" } }]);
    await addSeen(store, "other", { customerId: "customer-2" }, [{ at: NOW, keyId: "new" }]);
    expect(await store.customerKeys.usageOf("customer-1")).toEqual({
      keys: new Map([
        ["new", { devices: 2, lastUseAt: NOW + 30 }],
        ["old", { devices: 2, lastUseAt: NOW + 9 }],
        ["own", { devices: 1, lastUseAt: NOW + 9 }],
      ]),
      silentDevices: 3,
    });
  });

  test("counts none twice and none not at all, over many steps, and lets others run in between", async () => {
    const { store } = await openWithCustomer(open);
    const names = await enrolMany(store, 4_100);
    await store.activity.record(
      names.map((deviceKey, index) => ({
        deviceKey,
        login: { at: NOW + index, keyId: index % 2 ? "odd" : "even" },
        failure: undefined,
      })),
    );
    let turns = 0;
    let counting = true;
    const turn = (): void => {
      turns++;
      if (counting) setImmediate(turn);
    };
    setImmediate(turn);
    const usage = await store.customerKeys.usageOf("customer-1");
    counting = false;
    expect(usage.keys).toEqual(
      new Map([
        ["even", { devices: 2_050, lastUseAt: NOW + 4_098 }],
        ["odd", { devices: 2_050, lastUseAt: NOW + 4_099 }],
      ]),
    );
    expect(usage.silentDevices).toBe(0);
    expect(turns).toBeGreaterThanOrEqual(2);
  });
}

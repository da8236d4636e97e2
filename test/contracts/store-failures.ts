// The store's contract for failures: an unwritten audit entry undoes its change, an outage is `unavailable`.

import { expect, test } from "vitest";
import type { Store } from "../../src/store/sql.ts";
import { caughtErrorOf } from "../core/caught-error.ts";
import {
  actionsOf,
  addCustomer,
  addDevice,
  addKey,
  brokenEntry,
  changing,
  customer,
  device,
  entryOf,
  FIRST,
  keyOf,
  NOW,
  type Open,
  openWithCustomer,
} from "./store-samples.ts";
import { change, keyNamed } from "./store-signing-keys.ts";
import { TOKEN } from "./store-tokens.ts";

/** Every change, with an entry that cannot be written. */
const CHANGES = ({ customers, customerKeys, devices, fleet, operators, revokedTokens, signingKeys }: Store) => [
  () => customers.insert({ ...customer, customerId: "customer-2" }, brokenEntry()),
  () => customers.update("customer-1", changing({ displayName: "Two" }, brokenEntry())),
  () => customers.delete("customer-3", brokenEntry),
  () => customerKeys.insert(keyOf("k2"), () => {}, brokenEntry()),
  () => customerKeys.retire("k1", brokenEntry),
  () => devices.insert({ ...device, deviceKey: "device-2" }, brokenEntry()),
  () => devices.update("device-1", changing({ displayName: "Two" }, brokenEntry())),
  () => devices.delete("device-1", brokenEntry),
  () => fleet.change(["device-1"], changing({ displayName: "Two" }, brokenEntry())),
  () => operators.insert({ ...TOKEN, tokenId: "1" }, "hash-1", brokenEntry()),
  () => operators.revoke(TOKEN.tokenId, brokenEntry()),
  () => devices.importAll([device], () => ({ ...device, displayName: "Two" }), brokenEntry),
  () => revokedTokens.insert({ jti: "t-1", expiresAt: NOW }, brokenEntry()),
  () => signingKeys.change(() => change({ put: [keyNamed("b")], entries: [brokenEntry()] })),
];

export function describeFailures(open: Open): void {
  test("a change is made with its audit entry or not at all", async () => {
    const { store } = await openWithCustomer(open);
    await addKey(store, "k1");
    await addDevice(store);
    await addCustomer(store, { customerId: "customer-3" });
    await store.operators.insert(TOKEN, "hash", entryOf("IssueOperatorToken"));
    const read = async (): Promise<unknown> => [
      await store.customers.list(FIRST),
      await store.customerKeys.list("customer-1"),
      await store.devices.list(FIRST),
      await store.credentials.findStanding("device-1", "t-1"),
      (await store.signingKeys.read()).keys,
      await store.operators.list(),
      await actionsOf(store),
    ];
    const before = await read();
    for (const make of CHANGES(store)) await expect(make()).rejects.toThrow("this entry cannot be written");
    expect(await read()).toEqual(before);
  });

  test("is unavailable when the store cannot be reached", async () => {
    const { store, close } = await openWithCustomer(open);
    await close();
    const { audit, credentials, customerKeys, customers, devices, signingKeys } = store;
    for (const ask of [
      () => credentials.find("device-1", NOW),
      () => credentials.findStanding("device-1", "t-1"),
      () => customers.find("customer-1"),
      () => addCustomer(store, { customerId: "customer-2" }),
      () => customerKeys.list("customer-1"),
      () => devices.find("device-1"),
      () => addDevice(store),
      () => audit.list(FIRST),
      () => audit.append(entryOf("A")),
      () => audit.prune(NOW, 1),
      () => signingKeys.read(),
      () => signingKeys.change(() => ({ put: [], remove: [], entries: [] })),
    ]) {
      const error = await caughtErrorOf(ask());
      const message = "the registry cannot be reached now. Try again later";
      expect(error).toMatchObject({ reason: "unavailable", message });
      // Random between one and two times the least wait.
      expect(error.details.retryAfterMs).toBeGreaterThanOrEqual(5_000);
      expect(error.details.retryAfterMs).toBeLessThan(10_000);
    }
  });
}

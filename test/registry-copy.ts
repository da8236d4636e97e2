// Fills a registry, backs it up during writes, and restores it.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "vitest";
import type { Environment } from "../src/config.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../src/core/signature.ts";
import { type BareGateway, logInBy, NO_LIMITS, startBareGateway } from "./gateway.ts";

export interface Board {
  readonly deviceKey: string;
  readonly customerKey: string;
}

const ALL = { pageSize: 1_000, pageToken: "", filter: "" };
/** More than a page. */
const PUMPS = 1_200;
const PUMP = { customerId: "acme", displayName: 'No. 7, "the big one" \\ ü', labels: { site: "north" } };

/** Fills an empty registry. @returns a board with the customer's key, one with a key of its own, and the id of the customer's key */
export async function fillRegistry({ registry }: BareGateway) {
  for (const customerId of ["acme", "globex"]) {
    await registry.customers.create({ customerId, displayName: "Öst", status: "enabled", loginLimit: "off" }, GATEWAY);
  }
  const issue = (purpose: "login" | "derivation") =>
    registry.customerKeys.issue({ customerId: "acme", purpose, importedKey: "" }, GATEWAY);
  const { keyId, customerKey } = await issue("login");
  const derivation = await issue("derivation");
  const rows = Array.from({ length: PUMPS }, (_, index) => ({ ...PUMP, deviceKey: `pump-${index}` }));
  for (let from = 0; from < PUMPS; from += 1_000) await registry.importDevices(rows.slice(from, from + 1_000), GATEWAY);
  await registry.devices.create({ customerId: "acme", deviceKey: "own", keyMode: "derived" }, GATEWAY);
  const own = { deviceKey: "own", customerKey: deriveDeviceKey(secretFromText(derivation.customerKey), "own") };
  return { shared: { deviceKey: "pump-7", customerKey }, own, keyId };
}

/** Reads everything that an operator can see of a registry; the newest thousand of its audit events. */
export async function readRegistry({ registry, publicUrl }: BareGateway) {
  const { items: customers } = await registry.customers.list(ALL);
  const keys = await Promise.all(customers.map(({ customerId }) => registry.customerKeys.list(customerId)));
  const devices = [];
  for (let pageToken = "", isFirst = true; isFirst || pageToken !== ""; isFirst = false) {
    const page = await registry.devices.list({ ...ALL, pageToken });
    devices.push(...page.items);
    pageToken = page.nextPageToken;
  }
  const { items: events } = await registry.listAuditEvents(ALL);
  const jwks: unknown = await (await fetch(new URL("/.well-known/jwks.json", publicUrl))).json();
  return { customers, keys, devices, events, jwks };
}

/** Boards log in with a signature of this second. A replay guard accepts each once. @returns the statuses */
export async function statusesOf({ publicUrl }: BareGateway, boards: readonly Board[], seconds: number) {
  return Promise.all(boards.map(async (board) => (await logInBy(publicUrl, board, seconds)).status));
}

interface BackupSite {
  /** The settings of a gateway before the backup is restored, and after. */
  readonly settings: Environment & { readonly DATA_DIR: string };
  readonly restoredSettings: Environment & { readonly DATA_DIR: string };
  backUp(): Promise<unknown>;
  /** Restores the backup; no gateway runs meanwhile. */
  restore(): Promise<unknown>;
}

/** Backs up while a gateway writes, changes the registry, and checks the restored state. */
export async function expectToRestore({ settings, restoredSettings, backUp, restore }: BackupSite): Promise<void> {
  const before = await startBareGateway({ ...NO_LIMITS, ...settings });
  const { devices, customerKeys } = before.registry;
  const { shared, own, keyId } = await fillRegistry(before);
  const stored = await readRegistry(before);
  const now = Math.floor(Date.now() / 1000);

  // 1. Back up during writes: the backup has every change that was acknowledged before.
  const written: string[] = [];
  let isStopped = false;
  const writing = (async () => {
    while (!isStopped) {
      const deviceKey = `written-${written.length}`;
      await devices.create({ customerId: "acme", deviceKey }, GATEWAY);
      written.push(deviceKey);
      // SQLite answers within the turn: without a pause nothing else would run.
      await nextTurn();
    }
  })();
  const poll = { timeout: 100_000, interval: 1 };
  await expect.poll(() => written.length, poll).toBeGreaterThan(20);
  const acknowledged = [...written];
  await backUp();
  // After a quick backup, too, the gateway keeps writing.
  await expect.poll(() => written.length, poll).toBeGreaterThan(acknowledged.length);
  isStopped = true;
  await writing;

  // 2. Change the registry afterwards.
  await devices.update(own.deviceKey, { status: "disabled" }, "", GATEWAY);
  await customerKeys.retire(keyId, false, GATEWAY);
  expect(await statusesOf(before, [shared, own], now)).toEqual([401, 403]);
  await before.close();

  // 3. Restore: the device is enabled and the key live again; later changes are gone.
  await restore();
  const after = await startBareGateway({ ...NO_LIMITS, ...restoredSettings });
  const restored = await readRegistry(after);
  expect(restored).toMatchObject({ customers: stored.customers, keys: stored.keys, jwks: stored.jwks });
  const isWritten = ({ deviceKey }: { readonly deviceKey: string }): boolean => deviceKey.startsWith("written-");
  expect(restored.devices.filter((device) => !isWritten(device))).toEqual(stored.devices);
  const found = restored.devices.filter(isWritten).map(({ deviceKey }) => deviceKey);
  expect(found).toEqual(expect.arrayContaining(acknowledged));
  const actions = new Set(restored.events.map(({ action }) => action));
  expect([actions.has("CreateDevice"), actions.has("RetireCustomerKey")]).toEqual([true, false]);
  expect(await statusesOf(after, [shared, own], now)).toEqual([200, 200]);
  // The restored database accepts changes.
  await after.registry.devices.update(own.deviceKey, { status: "disabled" }, "", GATEWAY);
  await after.close();
}

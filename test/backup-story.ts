// Backs up while a gateway writes, changes the registry, and checks the restored state.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "vitest";
import type { Environment } from "../src/config.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { type BareGateway, NO_LIMITS, startBareGateway } from "./gateway.ts";
import { fillRegistry, readRegistry, statusesOf } from "./registry-contents.ts";

export interface BackupSite {
  /** The settings of a gateway before the backup is restored, and after. */
  readonly settings: Environment & { readonly DATA_DIR: string };
  readonly restoredSettings: Environment & { readonly DATA_DIR: string };
  backUp(): Promise<void>;
  /** Restores the backup; no gateway runs meanwhile. */
  restore(): Promise<void>;
}

const ENROLLED_BEFORE = 20;
const SOON = { timeout: 100_000, interval: 1 };

export async function tellBackupStory(site: BackupSite): Promise<void> {
  const before = await startBareGateway({ ...NO_LIMITS, ...site.settings });
  const { registry } = before;
  const { shared, own, keyId } = await fillRegistry(before);
  const stored = await readRegistry(before);
  const now = Math.floor(Date.now() / 1000);

  // 1. Back up during writes: the backup has every change that was acknowledged before.
  const writer = writeDevices(before);
  const enrolled = await writer.written(ENROLLED_BEFORE);
  await site.backUp();
  // After a quick backup, too, the gateway keeps writing.
  await writer.written(enrolled.length + 1);
  await writer.stop();

  // 2. Change the registry afterwards.
  await registry.devices.update(own.deviceKey, { status: "disabled" }, "", GATEWAY);
  await registry.devices.create({ customerId: "acme", deviceKey: "late" }, GATEWAY);
  await registry.customerKeys.retire(keyId, false, GATEWAY);
  expect(await statusesOf(before, [shared, own], now)).toEqual([401, 403]);
  await before.close();

  // 3. Restore: the device is enabled and the key live again; later changes are gone.
  await site.restore();
  const after = await startBareGateway({ ...NO_LIMITS, ...site.restoredSettings });
  const { customers, keys, devices, events } = await readRegistry(after);
  expect([customers, keys]).toEqual([stored.customers, stored.keys]);
  const isWritten = ({ deviceKey }: { readonly deviceKey: string }): boolean => deviceKey.startsWith("written-");
  expect(devices.filter((device) => !isWritten(device))).toEqual(stored.devices);
  const written = devices.filter(isWritten).map(({ deviceKey }) => deviceKey);
  expect(written).toEqual(expect.arrayContaining([...enrolled]));
  const actions = new Set(events.map(({ action }) => action));
  expect([actions.has("CreateDevice"), actions.has("RetireCustomerKey")]).toEqual([true, false]);
  expect(await statusesOf(after, [shared, own], now)).toEqual([200, 200]);
  // The restored database accepts changes.
  await after.registry.devices.update(own.deviceKey, { status: "disabled" }, "", GATEWAY);
  await after.close();
}

/** Enrols one device after another. */
function writeDevices({ registry }: BareGateway) {
  const acknowledged: string[] = [];
  let stopped = false;
  const writing = (async () => {
    for (let number = 0; !stopped; number++) {
      const { deviceKey } = await registry.devices.create(
        { customerId: "acme", deviceKey: `written-${number}` },
        GATEWAY,
      );
      acknowledged.push(deviceKey);
      // SQLite answers within the turn: without a pause nothing else would run.
      await nextTurn();
    }
  })();
  return {
    /** Resolves once `count` devices are acknowledged. @returns their names */
    async written(count: number): Promise<readonly string[]> {
      await expect.poll(() => acknowledged.length, SOON).toBeGreaterThanOrEqual(count);
      return [...acknowledged];
    },
    stop(): Promise<void> {
      stopped = true;
      return writing;
    },
  };
}

// Backs up while a gateway writes, changes the registry, and checks the restored state.

import { setImmediate as nextTurn } from "node:timers/promises";
import { expect } from "vitest";
import type { Environment } from "../src/config.ts";
import type { DeviceDraft } from "../src/core/registry/devices.ts";
import { GATEWAY } from "../src/core/registry/ports.ts";
import { deriveDeviceKey, secretFromText } from "../src/core/signature.ts";
import { type BareGateway, logInBy, NO_LIMITS, startBareGateway } from "./gateway.ts";

export interface BackupSite {
  /** The settings of a gateway before the backup is restored, and after. */
  readonly settings: Environment & { readonly DATA_DIR: string };
  readonly restoredSettings: Environment & { readonly DATA_DIR: string };
  backUp(): Promise<void>;
  /** Restores the backup; no gateway runs meanwhile. */
  restore(): Promise<void>;
}

const SHARED_KEY = "flashed-long-ago-0123456789";
const NEW_KEY = "issued-after-the-backup-0123456789";
const ENROLLED_BEFORE = 20;
const SOON = { timeout: 100_000, interval: 1 };

export async function tellBackupStory(site: BackupSite): Promise<void> {
  const before = await open(site.settings);
  const { registry } = before;
  const { customerId } = await registry.customers.create(
    { customerId: "acme", displayName: "", status: "enabled", loginLimit: "" },
    GATEWAY,
  );
  const issue = (purpose: "login" | "derivation", importedKey: string) =>
    registry.customerKeys.issue({ customerId, purpose, importedKey }, GATEWAY);
  const old = await issue("login", SHARED_KEY);
  const derivation = await issue("derivation", "");
  await registry.devices.create(draftOf("pump"), GATEWAY);
  await registry.devices.create(draftOf("moving"), GATEWAY);
  await registry.devices.update("moving", { keyMode: "derived" }, "", GATEWAY);
  const ownKey = deriveDeviceKey(secretFromText(derivation.customerKey), "moving");
  expect(
    await loginStatuses(before, [
      ["pump", SHARED_KEY],
      ["moving", SHARED_KEY],
    ]),
  ).toEqual([200, 200]);

  // 1. Back up during writes: the backup has every change that was acknowledged before.
  const writer = writeDevices(before);
  const enrolled = await writer.written(ENROLLED_BEFORE);
  await site.backUp();
  // After a quick backup, too, the gateway keeps writing.
  await writer.written(enrolled.length + 1);
  await writer.stop();

  // 2. Change the registry afterwards.
  expect(await loginStatuses(before, [["moving", ownKey]])).toEqual([200]);
  await registry.devices.update("moving", { finishMove: true }, "", GATEWAY);
  expect(await loginStatuses(before, [["moving", SHARED_KEY]])).toEqual([401]);
  await registry.devices.update("pump", { status: "disabled" }, "", GATEWAY);
  await registry.devices.create(draftOf("late"), GATEWAY);
  await issue("login", NEW_KEY);
  await registry.customerKeys.retire(old.keyId, false, GATEWAY);
  expect(
    await loginStatuses(before, [
      ["pump", NEW_KEY],
      ["pump", SHARED_KEY],
      ["late", NEW_KEY],
      ["late", SHARED_KEY],
    ]),
  ).toEqual([403, 401, 200, 401]);
  await before.close();

  // 3. Restore: devices are enabled, keys live and moves open again; later changes are gone.
  await site.restore();
  const after = await open(site.restoredSettings);
  for (const deviceKey of enrolled) expect((await after.registry.devices.get(deviceKey)).customerId).toBe("acme");
  expect(
    await loginStatuses(after, [
      ["pump", SHARED_KEY],
      ["pump", NEW_KEY],
      ["moving", SHARED_KEY],
      ["moving", ownKey],
      ["late", SHARED_KEY],
    ]),
  ).toEqual([200, 401, 200, 200, 401]);
  const events = await after.registry.listAuditEvents({ pageSize: 1_000, pageToken: "", filter: "" });
  const actions = new Set(events.items.map(({ action }) => action));
  expect([actions.has("CreateDevice"), actions.has("RetireCustomerKey")]).toEqual([true, false]);
  // The restored database accepts changes.
  await after.registry.devices.update("pump", { status: "disabled" }, "", GATEWAY);
  await after.close();

  // 4. With another master key, the error names the missing one.
  await expect(open({ ...site.restoredSettings, MASTER_KEY: "11".repeat(32) })).rejects.toThrow(
    "the signing key and 2 customer keys cannot be opened with the master keys of this gateway",
  );
}

function draftOf(deviceKey: string): DeviceDraft {
  return { customerId: "acme", deviceKey };
}

const open = (settings: BackupSite["settings"]): Promise<BareGateway> =>
  startBareGateway({ ...NO_LIMITS, ...settings });

/** Enrols one device after another. */
function writeDevices({ registry }: BareGateway) {
  const acknowledged: string[] = [];
  let stopped = false;
  const writing = (async () => {
    for (let number = 0; !stopped; number++) {
      const { deviceKey } = await registry.devices.create(draftOf(`written-${number}`), GATEWAY);
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
    async stop(): Promise<readonly string[]> {
      stopped = true;
      await writing;
      return acknowledged;
    },
  };
}

/** Age of the next proof, in seconds. Each proof has its own second, since a replay guard accepts it once. */
let age = 280;

/** Logs in one after the other. */
async function loginStatuses(
  { publicUrl }: BareGateway,
  logins: readonly (readonly [deviceKey: string, customerKey: string])[],
): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (const [deviceKey, customerKey] of logins) {
    const answer = await logInBy(publicUrl, { deviceKey, customerKey }, Math.floor(Date.now() / 1000) - age--);
    statuses.push(answer.status);
    await answer.arrayBuffer();
  }
  return statuses;
}

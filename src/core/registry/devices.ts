// Devices: who may log in, and how.

import { createSecretKey } from "node:crypto";
import { readDeviceKey } from "../device-key.ts";
import { markRevocation } from "../ids.ts";
import { deriveDeviceKey } from "../signature.ts";
import { changedDetails, type Details, isChange } from "./audit.ts";
import { type DeviceDraft, type DevicePatch, deviceDetails, enrolled, patched, readPatch } from "./device-changes.ts";
import { stateOf } from "./key-usage.ts";
import { type Listing, type ListRequest, listPage, requireVersion } from "./pages.ts";
import type { Actor, AuditEntry, CustomerKeyStore, Device, DeviceStore, StoredDevice } from "./ports.ts";
import type { AuditLog } from "./record-ports.ts";
import { noDerivationKey, noDevice } from "./refusals.ts";

/** A board's own key. */
export interface DerivedKey {
  readonly customerKey: string;
  /** The derivation key that it was made from. */
  readonly keyId: string;
}

export interface Devices {
  create(draft: DeviceDraft, actor: Actor): Promise<StoredDevice>;
  get(deviceKey: string): Promise<StoredDevice>;
  list(request: ListRequest): Promise<Listing<StoredDevice>>;
  /** With an etag that is not empty, only that version is changed; else AuthError `etag_mismatch`. */
  update(deviceKey: string, patch: DevicePatch, etag: string, actor: Actor): Promise<StoredDevice>;
  delete(deviceKey: string, etag: string, actor: Actor): Promise<void>;
  /** Takes back the tokens that it was given until now. */
  revokeTokens(deviceKey: string, actor: Actor): Promise<StoredDevice>;
  /** The same each time, while there is no newer derivation key; told to the audit log before it is told to anyone else. */
  deriveKey(deviceKey: string, actor: Actor): Promise<DerivedKey>;
}

export interface DevicesDependencies {
  readonly devices: DeviceStore;
  readonly customerKeys: Pick<CustomerKeyStore, "secretsOf">;
  readonly audit: Pick<AuditLog, "append">;
  readonly now: () => number;
}

/** The fields that filters of devices may use. */
export const DEVICE_FIELDS = {
  customer_id: "text",
  device_key: "name",
  display_name: "text",
  status: ["enabled", "disabled"],
  key_mode: ["shared", "derived"],
  shared_identity: "boolean",
  replay_guard: "boolean",
  accepts_shared_key: "boolean",
  failing: "boolean",
  last_key_id: "text",
  last_failure_reason: "text",
  last_login_time: "time",
  last_seen_time: "time",
  last_failure_time: "time",
  create_time: "time",
  labels: "text",
} as const;

/** Each use-case throws AuthError: `malformed`, or an error of the store. */
export function createDevices({ devices, customerKeys, audit, now }: DevicesDependencies): Devices {
  const entryOf = (
    action: string,
    { deviceKey, customerId }: Pick<Device, "deviceKey" | "customerId">,
    actor: Actor,
    details: Details,
  ): AuditEntry => ({ actor, at: now(), action, resource: `devices/${deviceKey}`, customerId, details });

  async function get(deviceKey: string): Promise<StoredDevice> {
    const device = await devices.find(readDeviceKey(deviceKey));
    if (device !== undefined) return device;
    throw noDevice();
  }

  /** From the newest live derivation key of its customer that opens here. */
  async function derive({ deviceKey, customerId }: StoredDevice): Promise<DerivedKey> {
    const at = now();
    const keys = await customerKeys.secretsOf(customerId);
    try {
      for (const key of keys) {
        if (key.purpose !== "derivation" || stateOf(key, at) !== "live" || key.secret === undefined) continue;
        return { keyId: key.keyId, customerKey: deriveDeviceKey(createSecretKey(key.secret), deviceKey) };
      }
      throw noDerivationKey();
    } finally {
      for (const { secret } of keys) secret?.fill(0);
    }
  }

  return {
    async create(draft, actor) {
      const device = enrolled(draft, now());
      return devices.insert(device, entryOf("CreateDevice", device, actor, deviceDetails(device)));
    },

    get,

    list: (request) => listPage(DEVICE_FIELDS, request, (page) => devices.list(page), now()),

    async update(deviceKey, patch, etag, actor) {
      const checked = readPatch(patch);
      return devices.update(readDeviceKey(deviceKey), (current) => {
        requireVersion(current, etag, "device");
        const next = patched(current, checked, now());
        const details = changedDetails(deviceDetails(current), deviceDetails(next));
        return isChange(details) ? { next, entry: entryOf("UpdateDevice", current, actor, details) } : undefined;
      });
    },

    async delete(deviceKey, etag, actor) {
      await devices.delete(readDeviceKey(deviceKey), (current) => {
        requireVersion(current, etag, "device");
        return entryOf("DeleteDevice", current, actor, {});
      });
    },

    async revokeTokens(deviceKey, actor) {
      return devices.update(readDeviceKey(deviceKey), (current) => {
        const tokensNotBefore = markRevocation(current.tokensNotBefore, now());
        const details = { tokens_not_before: new Date(tokensNotBefore).toISOString() };
        return {
          next: { ...current, tokensNotBefore },
          entry: entryOf("RevokeDeviceTokens", current, actor, details),
        };
      });
    },

    async deriveKey(deviceKey, actor) {
      const device = await get(deviceKey);
      const { keyId, customerKey } = await derive(device);
      await audit.append(entryOf("DeriveDeviceKey", device, actor, { key_id: keyId }));
      return { customerKey, keyId };
    },
  };
}

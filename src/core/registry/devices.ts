// Devices: enrolment, changes, deletion, and the keys derived for them.

import { createSecretKey } from "node:crypto";
import { AuthError } from "../errors.ts";
import { readDeviceKey } from "../login-fields.ts";
import { deriveDeviceKey } from "../signature.ts";
import { stateOf } from "./customer-keys.ts";
import {
  type DeviceDraft,
  type DevicePatch,
  decideRevocation,
  decideUpdate,
  describeDeletion,
  deviceDetails,
  enrolDevice,
  readPatch,
  resourceOf,
} from "./device-changes.ts";
import { doesNotExist } from "./names.ts";
import type { Actor, AuditLog, CustomerKeyStore, DeviceStore, StoredDevice } from "./ports.ts";
import { listPage, type Resources, requireVersion } from "./resources.ts";

/** A board's own key. */
export interface DerivedKey {
  readonly customerKey: string;
  /** The derivation key that it was derived from. */
  readonly keyId: string;
}

export interface Devices extends Resources<DeviceDraft, DevicePatch, StoredDevice> {
  /** Returns the same key until there is a newer derivation key. Writes the audit entry first. */
  deriveKey(deviceKey: string, actor: Actor): Promise<DerivedKey>;
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

/** `now` in unix milliseconds. */
export function createDevices(
  devices: DeviceStore,
  customerKeys: Pick<CustomerKeyStore, "secretsOf">,
  audit: Pick<AuditLog, "append">,
  now: () => number,
): Devices {
  async function get(deviceKey: string): Promise<StoredDevice> {
    const device = await devices.find(readDeviceKey(deviceKey));
    if (device === undefined) throw doesNotExist("device");
    return device;
  }

  /** Derives from the newest live derivation key of the customer that can be unsealed. */
  async function derive({ deviceKey, customerId }: StoredDevice): Promise<DerivedKey> {
    const at = now();
    const keys = await customerKeys.secretsOf(customerId);
    try {
      for (const key of keys) {
        if (key.purpose !== "derivation" || stateOf(key, at) !== "live" || key.secret === undefined) continue;
        return { keyId: key.keyId, customerKey: deriveDeviceKey(createSecretKey(key.secret), deviceKey) };
      }
      throw new AuthError(
        "failed_precondition",
        "the customer of this device has no live derivation key that can be unsealed. Issue one with purpose derivation",
      );
    } finally {
      for (const { secret } of keys) secret?.fill(0);
    }
  }

  return {
    async create(draft, actor) {
      const at = now();
      const device = enrolDevice(draft, at);
      const details = deviceDetails(device);
      return devices.insert(device, { actor, at, action: "CreateDevice", ...resourceOf(device), details });
    },

    get,

    async list(request) {
      return listPage(DEVICE_FIELDS, request, (page) => devices.list(page), now());
    },

    async update(deviceKey, patch, etag, actor) {
      const checked = readPatch(patch);
      return devices.update(readDeviceKey(deviceKey), (current) => {
        requireVersion(current, etag, "device");
        return decideUpdate(current, checked, actor, now());
      });
    },

    async delete(deviceKey, etag, actor) {
      await devices.delete(readDeviceKey(deviceKey), (current) => {
        requireVersion(current, etag, "device");
        return describeDeletion(current, actor, now());
      });
    },

    async revokeTokens(deviceKey, actor) {
      return devices.update(readDeviceKey(deviceKey), (current) => decideRevocation(current, actor, now()));
    },

    async deriveKey(deviceKey, actor) {
      const device = await get(deviceKey);
      const derived = await derive(device);
      const details = { key_id: derived.keyId };
      await audit.append({ actor, at: now(), action: "DeriveDeviceKey", ...resourceOf(device), details });
      return derived;
    },
  };
}

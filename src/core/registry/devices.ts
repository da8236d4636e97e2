// Devices: enrolment, changes, and the keys derived for them.

import { createSecretKey, randomBytes } from "node:crypto";
import { readPublicKey } from "../assertion.ts";
import { AuthError } from "../errors.ts";
import { readDeviceKey } from "../login-fields.ts";
import { deriveDeviceKey } from "../signature.ts";
import { stateOf } from "./customer-keys.ts";
import { readCustomerId, readDisplayName, readEnrolledDeviceKey, readLabels } from "./names.ts";
import type { Actor, AuditLog, CustomerKeyStore, Device, DeviceStore, KeyMode, Status, StoredDevice } from "./ports.ts";
import { createResources, type ResourceKind, type Resources } from "./resources.ts";

/** Changes to a device. An absent or undefined field is unchanged; in a new device it gets its default. */
export interface DevicePatch {
  readonly displayName?: string | undefined;
  readonly status?: Status | undefined;
  readonly keyMode?: KeyMode | undefined;
  readonly sharedIdentity?: boolean | undefined;
  /** Default: on for derived keys, off for shared ones, since boards with one key may log in within the same second. */
  readonly replayGuard?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** PEM, or the base64 in it; empty: none. */
  readonly publicKey?: string | undefined;
  /** Ends the device's move to a key of its own: the shared key no longer proves its logins. */
  readonly finishMove?: true | undefined;
}

export interface DeviceDraft extends DevicePatch {
  readonly customerId: string;
  /** Empty: the gateway makes one. */
  readonly deviceKey: string;
}

/** Creates a device from checked names and a checked patch; `at` in Unix milliseconds. */
export function newDevice(deviceKey: string, customerId: string, patch: DevicePatch, at: number): Device {
  const { keyMode = "shared" } = patch;
  return {
    deviceKey,
    customerId,
    displayName: patch.displayName ?? "",
    status: patch.status ?? "enabled",
    keyMode,
    keyModeSince: at,
    sharedIdentity: patch.sharedIdentity ?? false,
    replayGuard: patch.replayGuard ?? keyMode === "derived",
    labels: patch.labels ?? {},
    publicKey: patch.publicKey ?? "",
    acceptsShared: false,
    tokensNotBefore: 0,
  };
}

/** Checks and normalises a patch. @throws AuthError `malformed` */
export function readDevicePatch(patch: DevicePatch): DevicePatch {
  const { displayName, labels, publicKey } = patch;
  return {
    ...patch,
    displayName: displayName && readDisplayName(displayName),
    labels: labels && readLabels(labels),
    publicKey: publicKey && readPublicKey(publicKey),
  };
}

/**
 * Applies a checked patch; `at` in Unix milliseconds. During a move from a shared key to its own a device may sign with either.
 * The replay guard follows key_mode unless the patch sets it: a derived key belongs to one board.
 */
function applyPatch(current: Device, patch: DevicePatch, at: number): Device {
  const { keyMode = current.keyMode } = patch;
  const isDerived = keyMode === "derived";
  const moves = keyMode !== current.keyMode;
  return {
    ...current,
    displayName: patch.displayName ?? current.displayName,
    status: patch.status ?? current.status,
    keyMode,
    keyModeSince: moves ? at : current.keyModeSince,
    sharedIdentity: patch.sharedIdentity ?? current.sharedIdentity,
    replayGuard: patch.replayGuard ?? (moves ? isDerived : current.replayGuard),
    labels: patch.labels ?? current.labels,
    publicKey: patch.publicKey ?? current.publicKey,
    acceptsShared: moves ? isDerived : current.acceptsShared && patch.finishMove === undefined,
  };
}

export const DEVICE_KIND: ResourceKind<DeviceDraft, DevicePatch, Device> = {
  row: "device",
  noun: "Device",
  fields: {
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
  },
  readName: readDeviceKey,
  readPatch: readDevicePatch,
  create({ deviceKey, customerId, ...patch }, at) {
    const name = deviceKey === "" ? randomBytes(12).toString("hex") : readEnrolledDeviceKey(deviceKey);
    return newDevice(name, readCustomerId(customerId), readDevicePatch(patch), at);
  },
  apply: applyPatch,
  resourceOf: ({ deviceKey, customerId }) => ({ resource: `devices/${deviceKey}`, customerId }),
  detailsOf: (device) => ({
    display_name: device.displayName,
    status: device.status,
    key_mode: device.keyMode,
    shared_identity: device.sharedIdentity,
    replay_guard: device.replayGuard,
    accepts_shared_key: device.acceptsShared,
    labels: JSON.stringify(device.labels),
    public_key: device.publicKey,
  }),
};

export interface Devices extends Resources<DeviceDraft, DevicePatch, StoredDevice> {
  /** Derives the board's own key from the newest live derivation key that can be unsealed; its id is `keyId`. Writes the audit entry first. */
  deriveKey(deviceKey: string, actor: Actor): Promise<{ readonly customerKey: string; readonly keyId: string }>;
}

/** `now` in Unix milliseconds. */
export function createDevices(
  devices: DeviceStore,
  customerKeys: Pick<CustomerKeyStore, "secretsOf">,
  audit: Pick<AuditLog, "append">,
  now: () => number,
): Devices {
  const resources = createResources(DEVICE_KIND, devices, now);

  return {
    ...resources,

    async deriveKey(deviceKey, actor) {
      const at = now();
      const device = await resources.get(deviceKey);
      const keys = await customerKeys.secretsOf(device.customerId);
      let derived: { readonly customerKey: string; readonly keyId: string };
      try {
        const key = keys.find((one) => one.purpose === "derivation" && one.secret && stateOf(one, at) === "live");
        if (key?.secret === undefined) {
          throw new AuthError(
            "failed_precondition",
            "the customer of this device has no live derivation key that can be unsealed. Issue one with purpose derivation",
          );
        }
        derived = { keyId: key.keyId, customerKey: deriveDeviceKey(createSecretKey(key.secret), deviceKey) };
      } finally {
        for (const { secret } of keys) secret?.fill(0);
      }
      const details = { key_id: derived.keyId };
      await audit.append({ actor, at, action: "DeriveDeviceKey", ...DEVICE_KIND.resourceOf(device), details });
      return derived;
    },
  };
}

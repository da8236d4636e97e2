// AdminService's methods on devices, import included.

import type { FieldMask } from "@bufbuild/protobuf/wkt";
import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AdminService,
  type Device,
  DeviceSchema,
  type ImportDevicesRequest_Row,
  KeyMode as KeyModeEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { DevicePatch } from "../core/registry/device-changes.ts";
import type { DeviceImport, ImportRow } from "../core/registry/device-import.ts";
import type { Devices } from "../core/registry/devices.ts";
import { requireSameCustomer } from "./admin-customers.ts";
import type { ActorOf } from "./admin-guard.ts";
import { deviceMessage, keyModes, statuses } from "./admin-messages.ts";
import { readEtag, readMaskedPatch, withEtag } from "./admin-updates.ts";

type DeviceMethods = Pick<
  ServiceImpl<typeof AdminService>,
  | "createDevice"
  | "getDevice"
  | "listDevices"
  | "updateDevice"
  | "deleteDevice"
  | "revokeDeviceTokens"
  | "deriveDeviceKey"
  | "importDevices"
>;

const KEY_MODES: readonly KeyModeEnum[] = Object.values(KeyModeEnum);

/** Creates the methods. They throw the errors of the registry. */
export function createDeviceMethods(devices: Devices, deviceImport: DeviceImport, actorOf: ActorOf): DeviceMethods {
  return {
    async createDevice({ customerId, device }, context) {
      requireSameCustomer(customerId, device?.customerId ?? "");
      const draft = {
        customerId,
        deviceKey: device?.deviceKey ?? "",
        displayName: device?.displayName ?? "",
        status: statuses.read(device?.status) ?? "enabled",
        keyMode: keyModes.read(device?.keyMode) ?? "shared",
        sharedIdentity: device?.sharedIdentity ?? false,
        replayGuard: device?.replayGuard,
        labels: device?.labels ?? {},
        publicKey: device?.publicKey ?? "",
      };
      return withEtag(context.responseHeader, deviceMessage(await devices.create(draft, actorOf(context))));
    },

    async getDevice({ deviceKey }, { responseHeader }) {
      return withEtag(responseHeader, deviceMessage(await devices.get(deviceKey)));
    },

    async listDevices({ pageSize, pageToken, filter }) {
      const { items, nextPageToken } = await devices.list({ pageSize, pageToken, filter });
      return { devices: items.map(deviceMessage), nextPageToken };
    },

    async updateDevice({ device, updateMask }, context) {
      if (device === undefined) throw malformed("device is missing", "device");
      const patch = readDevicePatch(device, updateMask);
      const etag = readEtag(context.requestHeader, device.etag);
      const updated = await devices.update(device.deviceKey, patch, etag, actorOf(context));
      return withEtag(context.responseHeader, deviceMessage(updated));
    },

    async deleteDevice({ deviceKey, etag }, context) {
      await devices.delete(deviceKey, readEtag(context.requestHeader, etag), actorOf(context));
      return {};
    },

    async revokeDeviceTokens({ deviceKey }, context) {
      return withEtag(context.responseHeader, deviceMessage(await devices.revokeTokens(deviceKey, actorOf(context))));
    },

    async deriveDeviceKey({ deviceKey }, context) {
      const derived = await devices.deriveKey(deviceKey, actorOf(context));
      return { deviceKey, ...derived };
    },

    async importDevices({ rows, validateOnly }, context) {
      const outcome = await deviceImport.importDevices(rows.map(readRow), actorOf(context), validateOnly);
      return { ...outcome, failures: [...outcome.failures] };
    },
  };
}

function readDevicePatch(device: Device, updateMask: FieldMask | undefined): DevicePatch {
  const { displayName, sharedIdentity, replayGuard, labels, publicKey } = device;
  const status = statuses.read(device.status);
  const keyMode = keyModes.read(device.keyMode);
  return readMaskedPatch<DevicePatch>(updateMask, DeviceSchema, {
    display_name: { change: { displayName }, isSet: displayName !== "" },
    status: { change: status && { status } },
    key_mode: { change: keyMode && { keyMode } },
    shared_identity: { change: { sharedIdentity }, isSet: sharedIdentity },
    replay_guard: { change: replayGuard === undefined ? undefined : { replayGuard } },
    labels: { change: { labels }, isSet: Object.keys(labels).length > 0 },
    public_key: { change: { publicKey }, isSet: publicKey !== "" },
    // Only a mask that names it ends a move: an update of all fields must not.
    accepts_shared_key: {
      change: device.acceptsSharedKey ? undefined : { finishMove: true },
      isSet: false,
      isNamed: true,
    },
  });
}

function readRow(row: ImportDevicesRequest_Row, index: number): ImportRow {
  const { deviceKey, customerId, displayName, keyMode, sharedIdentity, replayGuard, labels, disabled, publicKey } = row;
  // Only a broken client sends this, so the whole request fails.
  if (!KEY_MODES.includes(keyMode)) {
    throw malformed(`key_mode of the row at place ${index} has a value that is not in the contract`, "rows.key_mode");
  }
  return {
    deviceKey,
    customerId,
    displayName,
    keyMode: keyModes.read(keyMode),
    sharedIdentity,
    replayGuard,
    labels: labels?.labels,
    publicKey,
    status: disabled === undefined ? undefined : disabled ? "disabled" : "enabled",
  };
}

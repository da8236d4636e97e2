// AdminService's methods on one device, on matching devices, and on imports.

import { create } from "@bufbuild/protobuf";
import type { FieldMask } from "@bufbuild/protobuf/wkt";
import {
  type Device,
  DeviceSchema,
  type ImportDevicesRequest_Row,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { ReadDeviceLimit } from "../core/charges.ts";
import { malformed } from "../core/errors.ts";
import { limitAddress } from "../core/limiter/addresses.ts";
import type { ImportRow } from "../core/registry/device-import.ts";
import type { DevicePatch } from "../core/registry/devices.ts";
import type { Registry } from "../core/registry/registry.ts";
import { requireSameCustomer } from "./admin-customers.ts";
import type { ActorOf, AdminMethods } from "./admin-guard.ts";
import { deviceActions, deviceMessage, keyModes, limitMessage, statuses } from "./admin-messages.ts";
import { readEtag, readMaskedPatch, withEtag } from "./admin-updates.ts";

/** Creates the methods. They throw the errors of the registry. */
export function createDeviceMethods(
  { devices, fleet, importDevices }: Pick<Registry, "devices" | "fleet" | "importDevices">,
  readDeviceLimit: ReadDeviceLimit,
  actorOf: ActorOf,
): AdminMethods<`${string}Device${string}`> {
  return {
    async createDevice({ customerId, device = create(DeviceSchema) }, context) {
      requireSameCustomer(customerId, device.customerId);
      const draft = {
        ...device,
        customerId,
        status: statuses.read(device.status),
        keyMode: keyModes.read(device.keyMode),
      };
      return withEtag(context.responseHeader, deviceMessage(await devices.create(draft, actorOf(context))));
    },

    async getDevice({ deviceKey }, { responseHeader }) {
      return withEtag(responseHeader, deviceMessage(await devices.get(deviceKey)));
    },

    async listDevices(request) {
      const { items, nextPageToken } = await devices.list(request);
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
      const outcome = await importDevices(rows.map(readRow), actorOf(context), validateOnly);
      return { ...outcome, failures: [...outcome.failures] };
    },

    countDevices: ({ filter, pageToken }) => fleet.count(filter, pageToken),

    async changeDevices(request, context) {
      const action = deviceActions.read(request.action);
      if (action === undefined) throw malformed("action is missing. Name the change of each device", "action");
      return fleet.change({ ...request, action }, actorOf(context));
    },

    async getDeviceLimit({ deviceKey, address }) {
      const { limit, perAddress } = await readDeviceLimit(deviceKey, address === "" ? "" : limitAddress(address));
      return { ...limitMessage(limit), perAddress };
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
    // Only a mask with this field ends a move: its default is false.
    accepts_shared_key: { change: device.acceptsSharedKey ? undefined : { finishMove: true }, isSet: false },
  });
}

function readRow({ disabled, labels, keyMode, ...row }: ImportDevicesRequest_Row): ImportRow {
  return {
    ...row,
    keyMode: keyModes.read(keyMode),
    labels: labels?.labels,
    status: disabled === undefined ? undefined : disabled ? "disabled" : "enabled",
  };
}

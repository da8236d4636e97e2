// AdminService's calls on devices. Knows no transport.

import type { ServiceImpl } from "@connectrpc/connect";
import { type AdminService, type Device, DeviceSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { DevicePatch } from "../core/registry/device-changes.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { readMask, requireMasked } from "./admin-mask.ts";
import { deviceMessage } from "./admin-messages.ts";
import { keyModes, statuses } from "./admin-values.ts";
import { readEtag, withEtag } from "./etag-headers.ts";

type DeviceCalls = Pick<
  ServiceImpl<typeof AdminService>,
  | "createDevice"
  | "getDevice"
  | "listDevices"
  | "updateDevice"
  | "deleteDevice"
  | "revokeDeviceTokens"
  | "deriveDeviceKey"
>;

const CHANGEABLE = [
  "display_name",
  "status",
  "key_mode",
  "shared_identity",
  "replay_guard",
  "labels",
  "accepts_shared_key",
] as const;

/** Builds them on the use-cases. Each throws what those throw. */
export function createDeviceCalls({
  registry: { devices },
  actorOf,
}: Pick<AdminDependencies, "registry" | "actorOf">): DeviceCalls {
  return {
    async createDevice({ customerId, device }, context) {
      const named = device?.customerId ?? "";
      if (named !== "" && customerId !== "" && named !== customerId) {
        throw malformed("customer_id is there twice and differs. Send it once", "customer_id");
      }
      const draft = {
        customerId,
        deviceKey: device?.deviceKey ?? "",
        displayName: device?.displayName ?? "",
        status: statuses.read(device?.status) ?? "enabled",
        keyMode: keyModes.read(device?.keyMode) ?? "shared",
        sharedIdentity: device?.sharedIdentity ?? false,
        replayGuard: device?.replayGuard,
        labels: device?.labels ?? {},
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
      const patch = readPatch(device, updateMask);
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
  };
}

function readPatch(device: Device, updateMask: Parameters<typeof readMask>[0]): DevicePatch {
  const { displayName, sharedIdentity, replayGuard, labels } = device;
  const status = statuses.read(device.status);
  const keyMode = keyModes.read(device.keyMode);
  const given = {
    display_name: displayName !== "",
    status: status !== undefined,
    key_mode: keyMode !== undefined,
    shared_identity: sharedIdentity,
    replay_guard: replayGuard !== undefined,
    labels: Object.keys(labels).length > 0,
    accepts_shared_key: false,
  };
  const mask = readMask(updateMask, { desc: DeviceSchema, changeable: CHANGEABLE }, (name) => given[name]);
  return {
    ...(mask.has("display_name") && { displayName }),
    ...(mask.has("status") && { status: requireMasked(status, "status") }),
    ...(mask.has("key_mode") && { keyMode: requireMasked(keyMode, "key_mode") }),
    ...(mask.has("shared_identity") && { sharedIdentity }),
    ...(mask.has("replay_guard") && { replayGuard: requireMasked(replayGuard, "replay_guard") }),
    ...(mask.has("labels") && { labels }),
    ...(mask.has("accepts_shared_key") && { finishMove: requireFinished(device) }),
  };
}

/** @throws AuthError `malformed` */
function requireFinished({ acceptsSharedKey }: Device): true {
  if (!acceptsSharedKey) return true;
  throw malformed("accepts_shared_key can only be set to false. A change of key_mode sets it", "accepts_shared_key");
}

// AdminService's methods on many devices at once, and on the limit of one.

import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AdminService,
  type ChangeDevicesRequest,
  DeviceAction,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import type { ReadDeviceLimit } from "../core/device-limit.ts";
import { malformed } from "../core/errors.ts";
import { writeLimit } from "../core/limit-text.ts";
import { limitAddress } from "../core/limiter/addresses.ts";
import type { Fleet, FleetAction } from "../core/registry/fleet.ts";
import type { ActorOf } from "./admin-guard.ts";
import { writeTime } from "./admin-messages.ts";

type FleetMethods = Pick<ServiceImpl<typeof AdminService>, "countDevices" | "changeDevices" | "getDeviceLimit">;

/** Creates the methods. They throw the errors of the registry. */
export function createFleetMethods(fleet: Fleet, readDeviceLimit: ReadDeviceLimit, actorOf: ActorOf): FleetMethods {
  return {
    countDevices: ({ filter, pageToken }) => fleet.count(filter, pageToken),

    changeDevices: ({ filter, pageToken, deviceKeys, action, labels }, context) =>
      fleet.change({ filter, pageToken, deviceKeys }, readAction(action, labels), actorOf(context)),

    async getDeviceLimit({ deviceKey, address }) {
      const limit = await readDeviceLimit(deviceKey, address === "" ? "" : limitAddress(address));
      const { policy, remaining, resetAt, perAddress } = limit;
      return { limit: writeLimit(policy), remaining, resetTime: writeTime(resetAt), perAddress };
    },
  };
}

function readAction(action: DeviceAction, labels: ChangeDevicesRequest["labels"]): FleetAction {
  switch (action) {
    case DeviceAction.ENABLE:
      return { kind: "enable" };
    case DeviceAction.DISABLE:
      return { kind: "disable" };
    case DeviceAction.LABEL:
      return { kind: "label", labels };
    case DeviceAction.REVOKE_TOKENS:
      return { kind: "revokeTokens" };
    case DeviceAction.DELETE:
      return { kind: "delete" };
    default:
      throw malformed("action is missing or not in the contract. Name what is done with each device", "action");
  }
}

// AdminService's import of devices. Knows no transport.

import type { ServiceImpl } from "@connectrpc/connect";
import {
  type AdminService,
  type ImportDevicesRequest_Row,
  KeyMode as KeyModeEnum,
} from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { malformed } from "../core/errors.ts";
import type { ImportRow } from "../core/registry/device-import.ts";
import type { AdminDependencies } from "./admin-dependencies.ts";
import { keyModes } from "./admin-values.ts";

const KEY_MODES: readonly KeyModeEnum[] = Object.values(KeyModeEnum);

type ImportCalls = Pick<ServiceImpl<typeof AdminService>, "importDevices">;

/** Builds it on the use-case, and throws what that throws. */
export function createImportCalls({
  registry: { deviceImport },
  actorOf,
}: Pick<AdminDependencies, "registry" | "actorOf">): ImportCalls {
  return {
    async importDevices({ rows, validateOnly }, context) {
      const outcome = await deviceImport.importDevices(rows.map(readRow), actorOf(context), validateOnly);
      return { ...outcome, failures: [...outcome.failures] };
    },
  };
}

function readRow(row: ImportDevicesRequest_Row, place: number): ImportRow {
  const { deviceKey, customerId, displayName, keyMode, sharedIdentity, replayGuard, labels, disabled } = row;
  // No file has such a value: it is whoever wrote the request that is wrong, not one row.
  if (!KEY_MODES.includes(keyMode)) {
    throw malformed(`key_mode of the row at place ${place} has a value that is not in the contract`, "rows.key_mode");
  }
  return {
    deviceKey,
    customerId,
    displayName,
    keyMode: keyModes.read(keyMode),
    sharedIdentity,
    replayGuard,
    labels: labels?.labels,
    status: disabled === undefined ? undefined : disabled ? "disabled" : "enabled",
  };
}

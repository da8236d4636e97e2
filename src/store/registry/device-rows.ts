// Converts devices between rows and the core.

import type { Selectable } from "kysely";
import type { Device, StoredDevice, Versioned } from "../../core/registry/ports.ts";
import type { Schema } from "../schema.ts";

/** The columns of a device. */
export const DEVICE_COLUMNS = [
  "device_key",
  "customer_id",
  "display_name",
  "status",
  "key_mode",
  "key_mode_since",
  "shared_identity",
  "replay_guard",
  "labels",
  "public_key",
  "accepts_shared",
  "tokens_not_before",
  "created_at",
  "updated_at",
  "revision",
] as const satisfies readonly (keyof Schema["devices"])[];

export type DeviceRow = Selectable<Schema["devices"]>;

/** The activity of a device; every column is null if there is none. */
export type ActivityRow = Pick<
  Schema["device_activity"],
  "last_login_at" | "last_key_id" | "last_failure_at" | "last_failure_reason"
>;

/** The row of a device, without its times and revision. */
export function rowOfDevice(device: Device): Omit<DeviceRow, "created_at" | "updated_at" | "revision"> {
  return {
    device_key: device.deviceKey,
    customer_id: device.customerId,
    display_name: device.displayName,
    status: device.status,
    key_mode: device.keyMode,
    key_mode_since: device.keyModeSince,
    shared_identity: device.sharedIdentity ? 1 : 0,
    replay_guard: device.replayGuard ? 1 : 0,
    labels: JSON.stringify(device.labels),
    public_key: device.publicKey,
    accepts_shared: device.acceptsShared ? 1 : 0,
    tokens_not_before: device.tokensNotBefore,
  };
}

/** The device of a row. */
export function deviceOfRow(row: DeviceRow & Partial<ActivityRow>): StoredDevice {
  const labels: Readonly<Record<string, string>> = JSON.parse(row.labels);
  return {
    deviceKey: row.device_key,
    customerId: row.customer_id,
    displayName: row.display_name,
    status: row.status === "disabled" ? "disabled" : "enabled",
    keyMode: row.key_mode === "derived" ? "derived" : "shared",
    keyModeSince: row.key_mode_since,
    sharedIdentity: row.shared_identity !== 0,
    replayGuard: row.replay_guard !== 0,
    labels,
    publicKey: row.public_key,
    acceptsShared: row.accepts_shared !== 0,
    tokensNotBefore: row.tokens_not_before,
    ...versionOfRow(row),
    lastLoginAt: row.last_login_at ?? undefined,
    lastKeyId: row.last_key_id ?? undefined,
    lastFailureAt: row.last_failure_at ?? undefined,
    lastFailureReason: row.last_failure_reason ?? undefined,
  };
}

/** The version of a row. */
export function versionOfRow(row: Pick<DeviceRow, "created_at" | "updated_at" | "revision">): Versioned {
  return { createdAt: row.created_at, updatedAt: row.updated_at, revision: row.revision };
}

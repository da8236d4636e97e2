// A device as the values of a file's columns, for every format and for the dashboard's export.

import { type Device, Status } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { COLUMNS, type Column } from "./columns.ts";
import { keyModeName } from "./key-modes.ts";

type Value = string | boolean | Readonly<Record<string, string>>;

/** The values of a device. */
export function valuesOf(device: Device): Readonly<Record<Column, Value>> {
  return {
    device_key: device.deviceKey,
    customer_id: device.customerId,
    name: device.displayName,
    key_mode: keyModeName(device.keyMode),
    shared_identity: device.sharedIdentity,
    replay_guard: device.replayGuard ?? false,
    labels: device.labels,
    disabled: device.status === Status.DISABLED,
    public_key: device.publicKey,
  };
}

/** The cells of a device's line in CSV. */
export function cellsOf(device: Device): readonly string[] {
  const values = valuesOf(device);
  return COLUMNS.map((column) => cellOf(values[column]));
}

function cellOf(value: Value): string {
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, text]) => `${name}=${text}`)
    .join(";");
}

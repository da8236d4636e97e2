// Writes devices as the text that `import` reads.

import { stringify } from "csv-stringify/sync";
import { type Device, Status } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { COLUMNS, type Column } from "./columns.ts";
import type { Format } from "./formats.ts";
import { keyModeName } from "./key-modes.ts";

/** The head of a file. */
export function headerText(format: Format): string {
  return format === "csv" ? `${COLUMNS.join(",")}\n` : "";
}

/** A line for each device. */
export function textOf(format: Format, devices: readonly Device[]): string {
  const rows = devices.map(rowOf);
  return format === "csv"
    ? stringify(rows.map((row) => COLUMNS.map((column) => cellOf(row[column]))))
    : rows.map((row) => `${JSON.stringify(row)}\n`).join("");
}

type Value = string | boolean | Readonly<Record<string, string>>;

function rowOf(device: Device): Readonly<Record<Column, Value>> {
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

function cellOf(value: Value): string {
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, text]) => `${name}=${text}`)
    .join(";");
}

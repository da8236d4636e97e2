// Devices as the text of a file that `import` reads. Knows the formats, and no file.

import { stringify } from "csv-stringify/sync";
import type { Device } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { cellsOf, valuesOf } from "./cells.ts";
import { COLUMNS } from "./columns.ts";
import type { Format } from "./formats.ts";

/** The head of a file. */
export function headerText(format: Format): string {
  return format === "csv" ? `${COLUMNS.join(",")}\n` : "";
}

/** A line for each device. */
export function textOf(format: Format, devices: readonly Device[]): string {
  return format === "csv"
    ? stringify(devices.map((device) => [...cellsOf(device)]))
    : devices.map((device) => `${JSON.stringify(valuesOf(device))}\n`).join("");
}

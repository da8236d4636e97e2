// `countersign devices export`: writes every device in the form that `import` reads.

import { type Command, Option } from "commander";
import { stringify } from "csv-stringify/sync";
import type { Device } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { COLUMNS, cellsOf, fieldValuesOf } from "../device-file/row.ts";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { writeNewFile } from "../terminal/files.ts";
import { pagesOf, selectionFilter } from "../terminal/listing.ts";
import { writePart, writeResult } from "../terminal/output.ts";

const PAGE_SIZE = 1_000;

type Format = "csv" | "ndjson";

interface ExportOptions {
  readonly format?: Format;
  readonly customer?: string;
  readonly output?: string;
}

/** Adds `devices export`. */
export function addDevicesExportCommand(devices: Command): void {
  devices
    .command("export")
    .description("write all devices as a file that import reads")
    .addOption(
      new Option("--format <format>", "its format (default: csv, or what FILE ends in)").choices(["csv", "ndjson"]),
    )
    .option("--customer <id>", "only those of this customer")
    .option("--output <file>", "write to a new file that only you can read, instead of standard output")
    .action(exportDevices);
}

async function exportDevices({ format: given, customer, output }: ExportOptions, command: Command): Promise<void> {
  const format = given ?? (/\.(ndjson|jsonl)$/i.test(output ?? "") ? "ndjson" : "csv");
  let count = 0;
  async function* parts(admin: AdminClient): AsyncGenerator<string> {
    // An unknown customer is an error, not an empty file.
    if (customer !== undefined) await admin.getCustomer({ customerId: customer });
    if (format === "csv") yield `${COLUMNS.join(",")}\n`;
    const filter = selectionFilter(customer === undefined ? {} : { customer });
    for await (const page of pagesOf((pageToken) => admin.listDevices({ pageSize: PAGE_SIZE, pageToken, filter }))) {
      count += page.devices.length;
      yield textOf(format, page.devices);
    }
  }

  await callAdmin(async (admin) => {
    if (output !== undefined) return writeNewFile(output, (file) => file.writeFile(parts(admin)));
    for await (const part of parts(admin)) if (!(await writePart(part))) return;
  });
  if (output !== undefined) writeResult(command, { devices: count, output }, [`${count} devices in ${output}`]);
}

/** A line for each device. */
function textOf(format: Format, devices: readonly Device[]): string {
  return format === "csv"
    ? stringify(devices.map((device) => [...cellsOf(device)]))
    : devices.map((device) => `${JSON.stringify(fieldValuesOf(device))}\n`).join("");
}

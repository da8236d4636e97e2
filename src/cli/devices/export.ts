// `countersign devices export`: every device, as `import` reads them.

import { randomBytes } from "node:crypto";
import { lstatSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import type { Client } from "@connectrpc/connect";
import type { Command } from "commander";
import { stringify } from "csv-stringify/sync";
import type { AdminService, Device } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { codeOf } from "../../setting-readers.ts";
import { COLUMNS } from "../device-file/columns.ts";
import { type Format, formatOf, formatOption, requireFormat } from "../device-file/formats.ts";
import { cellsOf, valuesOf } from "../device-file/row.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { customerCondition } from "../terminal/listing.ts";
import { usageFailure, writePart, writeResult } from "../terminal/output.ts";

const PAGE_SIZE = 1_000;

type AdminClient = Pick<Client<typeof AdminService>, "getCustomer" | "listDevices">;

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
    .addOption(formatOption())
    .option("--customer <id>", "only those of this customer")
    .option("--output <file>", "where to (default: standard output)")
    .option("--json", "print what was written as JSON, with --output")
    .action(exportDevices);
}

async function exportDevices({ format: given, customer, output }: ExportOptions, command: Command): Promise<void> {
  const format =
    output === undefined || isNoFile(output)
      ? (given ?? formatOf(output ?? "") ?? "csv")
      : requireFormat(output, given);
  let count = 0;
  async function* parts(admin: AdminClient): AsyncGenerator<string> {
    // An empty file would say that it has no devices.
    if (customer !== undefined) await admin.getCustomer({ customerId: customer });
    if (format === "csv") yield `${COLUMNS.join(",")}\n`;
    const filter = customer === undefined ? "" : customerCondition(customer);
    for (let [pageToken, isLast] = ["", false]; !isLast; isLast = pageToken === "") {
      const page = await admin.listDevices({ pageSize: PAGE_SIZE, pageToken, filter });
      pageToken = page.nextPageToken;
      count += page.devices.length;
      yield textOf(format, page.devices);
    }
  }

  await callAdmin(async (admin) => {
    if (output !== undefined) return writeWhole(output, parts(admin));
    for await (const part of parts(admin)) if (!(await writePart(part))) return;
  });
  if (output !== undefined) writeResult(command, { devices: count, output }, [`${count} devices in ${output}`]);
}

/** A line for each device. */
function textOf(format: Format, devices: readonly Device[]): string {
  return format === "csv"
    ? stringify(devices.map((device) => [...cellsOf(device)]))
    : devices.map((device) => `${JSON.stringify(valuesOf(device))}\n`).join("");
}

/** Whether something is there that is no file: a device, a pipe, a link. It is written into, and not replaced. */
function isNoFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === false;
}

/** Writes a file that is replaced once the new one is whole. @throws CommandFailure when it cannot be written */
async function writeWhole(file: string, parts: AsyncIterable<string>): Promise<void> {
  const draft = isNoFile(file) ? undefined : `${file}.${randomBytes(6).toString("hex")}.part`;
  try {
    if (draft === undefined) return await writeFile(file, parts);
    await writeFile(draft, parts, { flag: "wx", mode: 0o600 });
    await rename(draft, file);
  } catch (error) {
    if (draft !== undefined) await rm(draft, { force: true });
    const isSystems = error instanceof Error && "syscall" in error;
    throw isSystems ? usageFailure(`${file} cannot be written (${codeOf(error)})`) : error;
  }
}

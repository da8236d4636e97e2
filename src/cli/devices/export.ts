// `countersign devices export`: every device, as `import` reads them.

import type { Client } from "@connectrpc/connect";
import type { Command } from "commander";
import type { AdminService, Device, ListDevicesResponse } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type Format, formatOf, formatOption, requireFormat } from "../device-file/formats.ts";
import { headerText, textOf } from "../device-file/text.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { customerCondition } from "../terminal/listing.ts";
import { writePart, writeResult } from "../terminal/output.ts";
import { isNoFile, writeWhole } from "../whole-file.ts";

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
    yield headerText(format);
    for await (const devices of pagesOf(admin, customer)) {
      count += devices.length;
      yield textOf(format, devices);
    }
  }

  await callAdmin(async (admin) => {
    if (output !== undefined) return writeWhole(output, parts(admin));
    for await (const part of parts(admin)) if (!(await writePart(part))) return;
  });
  if (output !== undefined) writeResult(command, { devices: count, output }, [`${count} devices in ${output}`]);
}

async function* pagesOf(admin: AdminClient, customer: string | undefined): AsyncGenerator<readonly Device[]> {
  const filter = customer === undefined ? "" : customerCondition(customer);
  const read = (pageToken: string): Promise<ListDevicesResponse> =>
    admin.listDevices({ pageSize: PAGE_SIZE, pageToken, filter });
  for (let next: Promise<ListDevicesResponse> | undefined = read(""); next !== undefined; ) {
    const { devices, nextPageToken }: ListDevicesResponse = await next;
    // The gateway looks for the next page while this one is written.
    next = nextPageToken === "" ? undefined : read(nextPageToken);
    // The loop reports its failure when its turn comes.
    next?.catch(() => {});
    yield devices;
  }
}

// `countersign devices export`: every device, as `import` reads them.

import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Client } from "@connectrpc/connect";
import type { Command } from "commander";
import type { AdminService, ListDevicesResponse } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { callAdmin } from "./admin-client.ts";
import { type Format, formatOf, formatOption } from "./device-formats.ts";
import { headerText, textOf } from "./device-text.ts";
import { CommandFailure, writePart, writeResult } from "./output.ts";

const PAGE_SIZE = 1_000;

interface ExportOptions {
  readonly format?: Format;
  readonly customer?: string;
  readonly output?: string;
}

export function addDevicesExportCommand(devices: Command): void {
  devices
    .command("export")
    .description("write all devices as a file that import reads")
    .addOption(formatOption())
    .option("--customer <id>", "only those of this customer")
    .option("--output <file>", "where to (default: standard output)")
    .option("--json", "print what was written as JSON, with --output")
    .action(async ({ format, customer, output }: ExportOptions, command: Command) => {
      await callAdmin(async (admin) => {
        const count = { devices: 0 };
        const parts = exportParts(admin, format ?? formatOf(output ?? "") ?? "csv", customer, count);
        if (output === undefined) {
          for await (const part of parts) if (!(await writePart(part))) return;
          return;
        }
        await writeWhole(output, parts);
        writeResult(command, { devices: count.devices, output }, [`${count.devices} devices in ${output}`]);
      });
    });
}

/** Counts the devices into `count` as they go. */
async function* exportParts(
  admin: Pick<Client<typeof AdminService>, "listDevices">,
  format: Format,
  customer: string | undefined,
  count: { devices: number },
): AsyncGenerator<string> {
  const filter = customer === undefined ? "" : `customer_id = ${JSON.stringify(customer)}`;
  const read = (pageToken: string): Promise<ListDevicesResponse> =>
    admin.listDevices({ pageSize: PAGE_SIZE, pageToken, filter });
  yield headerText(format);
  for (let next: Promise<ListDevicesResponse> | undefined = read(""); next !== undefined; ) {
    const { devices, nextPageToken }: ListDevicesResponse = await next;
    // The gateway looks for the next page while this one is written.
    next = nextPageToken === "" ? undefined : read(nextPageToken);
    // Its failure is told when its turn comes.
    next?.catch(() => {});
    count.devices += devices.length;
    yield textOf(format, devices);
  }
}

/** Writes a file that is there whole or not at all. @throws CommandFailure when it cannot be written */
async function writeWhole(file: string, parts: AsyncIterable<string>): Promise<void> {
  const unfinished = `${file}.part`;
  try {
    await pipeline(parts, createWriteStream(unfinished, { mode: 0o600 }));
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    // What the gateway refuses has no system call behind it.
    if (!(error instanceof Error && "syscall" in error && "path" in error)) throw error;
    throw new CommandFailure(`${file} cannot be written (${"code" in error ? error.code : "an error"})`, {}, 2);
  }
}

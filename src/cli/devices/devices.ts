// `countersign devices`: who may log in.

import type { Command } from "commander";
import { DeviceSchema } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { adminCommand, callAdmin } from "../gateway/admin-client.ts";
import { addListOptions, customerCondition, type ListOptions, writeList } from "../listing.ts";
import { writeResult } from "../output.ts";
import { writeResource } from "../resource.ts";
import { REVOKED_TOKENS } from "../revoked-tokens.ts";
import { addDeviceCreate, addDeviceSwitch, addDeviceUpdate } from "./changes.ts";
import { addDeviceDeriveKey } from "./derive-key.ts";
import { addDevicesExportCommand } from "./export.ts";
import { addDevicesImportCommand } from "./import.ts";

const COLUMNS = [
  "device_key",
  "customer_id",
  "status",
  "key_mode",
  "last_login_time",
  "last_failure_reason",
  "display_name",
];

interface DeviceListOptions extends ListOptions {
  readonly customer?: string;
}

/** Adds `devices`, with import and export. */
export function addDevicesCommand(program: Command): void {
  const devices = adminCommand(program, "devices").description("manage devices");
  addDeviceCreate(devices);
  addList(devices);
  devices
    .command("show <device-key>")
    .description("show a device, and when it last logged in or failed to")
    .option("--json", "print JSON")
    .action(async (deviceKey: string, _options: object, command: Command) => {
      writeResource(command, DeviceSchema, await callAdmin((admin) => admin.getDevice({ deviceKey })));
    });
  addDeviceUpdate(devices);
  addDeviceSwitch(devices, "disable", "let it in no more");
  addDeviceSwitch(devices, "enable", "let it in again");
  devices
    .command("delete <device-key>")
    .description("delete a device")
    .option("--etag <etag>", "only if it is still this version")
    .option("--json", "print JSON")
    .action(async (deviceKey: string, { etag = "" }: { etag?: string }, command: Command) => {
      await callAdmin((admin) => admin.deleteDevice({ deviceKey, etag }));
      writeResult(command, { device_key: deviceKey }, [`device ${deviceKey} is deleted`]);
    });
  devices
    .command("revoke-tokens <device-key>")
    .description("take back the tokens that it was given until now")
    .option("--json", "print JSON")
    .action(async (deviceKey: string, _options: object, command: Command) => {
      const device = await callAdmin((admin) => admin.revokeDeviceTokens({ deviceKey }));
      writeResource(command, DeviceSchema, device, [
        `the tokens that device ${deviceKey} was given until now are revoked: ${REVOKED_TOKENS}`,
      ]);
    });
  addDeviceDeriveKey(devices);
  addDevicesImportCommand(devices);
  addDevicesExportCommand(devices);
}

function addList(devices: Command): void {
  addListOptions(devices.command("list"), 'last_login_time < "2026-01-01T00:00:00Z"')
    .description("list devices")
    .option("--customer <id>", "only those of this customer")
    .action((options: DeviceListOptions, command: Command) =>
      callAdmin((admin) =>
        writeList(
          command,
          {
            desc: DeviceSchema,
            columns: COLUMNS,
            async read(page) {
              const answer = await admin.listDevices({ ...page, filter: filterOf(options) });
              return { items: answer.devices, nextPageToken: answer.nextPageToken };
            },
          },
          options.limit,
        ),
      ),
    );
}

function filterOf({ customer, filter }: DeviceListOptions): string {
  const owner = customer === undefined ? [] : [customerCondition(customer)];
  return [...owner, ...(filter === undefined ? [] : [filter])].join(" AND ");
}

// `countersign devices`: who may log in.

import { type Command, Option } from "commander";
import { KeyMode } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { callAdmin } from "./admin-client.ts";
import { writeResult } from "./output.ts";

const KEY_MODES = { shared: KeyMode.SHARED, derived: KeyMode.DERIVED };

interface CreateOptions {
  readonly customer: string;
  readonly deviceKey?: string;
  readonly name?: string;
  readonly keyMode: keyof typeof KEY_MODES;
  readonly sharedIdentity?: boolean;
  readonly replayGuard?: "on" | "off";
}

export function addDevicesCommand(program: Command): void {
  const devices = program.command("devices").description("manage devices");
  devices
    .command("create")
    .description("enrol a device")
    .requiredOption("--customer <id>", "the device's owner")
    .option("--device-key <key>", "the name it logs in by, 1 to 96 visible ASCII characters (default: a UUID)")
    .option("--name <name>", "a name for people")
    .addOption(
      new Option("--key-mode <mode>", "the key it signs with").choices(Object.keys(KEY_MODES)).default("shared"),
    )
    .option("--shared-identity", "a whole fleet uses this device_key: count its login limit per address too")
    .addOption(
      new Option("--replay-guard <switch>", "each proof is good once (default: on for derived keys)").choices([
        "on",
        "off",
      ]),
    )
    .option("--json", "print JSON")
    .action(async (options: CreateOptions, command: Command) => {
      const { deviceKey } = await callAdmin((admin) =>
        admin.createDevice({
          customerId: options.customer,
          device: {
            deviceKey: options.deviceKey ?? "",
            displayName: options.name ?? "",
            keyMode: KEY_MODES[options.keyMode],
            sharedIdentity: options.sharedIdentity ?? false,
            ...(options.replayGuard !== undefined && { replayGuard: options.replayGuard === "on" }),
          },
        }),
      );
      writeResult(command, { device_key: deviceKey }, [`device ${deviceKey}`]);
    });
}

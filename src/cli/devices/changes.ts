// `countersign devices create` and `update`, and what else changes a device.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { type Device, DeviceSchema, Status } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { KEY_MODES, type KeyModeName } from "../device-file/key-modes.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { usageFailure, writeResult } from "../output.ts";
import { writeResource } from "../resource.ts";
import { keyModeOption, type Labels, labelOption, type Switch, switchOption } from "./options.ts";

interface CreateOptions {
  readonly customer: string;
  readonly deviceKey?: string;
  readonly name?: string;
  readonly keyMode: KeyModeName;
  readonly sharedIdentity?: boolean;
  readonly replayGuard?: Switch;
  readonly label?: Labels;
}

/** Adds `devices create`. */
export function addDeviceCreate(devices: Command): void {
  devices
    .command("create")
    .description("enrol a device")
    .requiredOption("--customer <id>", "the device's owner")
    .option("--device-key <key>", "the name it logs in by, 1 to 96 visible ASCII characters (default: a UUID)")
    .option("--name <name>", "a name for people")
    .addOption(keyModeOption("the key it signs with").default("shared"))
    .option("--shared-identity", "a whole fleet uses this device_key: count its login limit per address too")
    .addOption(switchOption("--replay-guard", "each proof is good once (default: on for derived keys)"))
    .addOption(labelOption("a label; may be there several times"))
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
            labels: { ...options.label },
          },
        }),
      );
      writeResult(command, { device_key: deviceKey }, [`device ${deviceKey}`]);
    });
}

interface UpdateOptions {
  readonly name?: string;
  readonly keyMode?: KeyModeName;
  readonly sharedIdentity?: Switch;
  readonly replayGuard?: Switch;
  readonly label?: Labels;
  /** False by --no-labels. */
  readonly labels: boolean;
  readonly finishMove?: true;
  readonly etag?: string;
}

/** Adds `devices update`. */
export function addDeviceUpdate(devices: Command): void {
  devices
    .command("update <device-key>")
    .description("change a device; one that is moved to derived keys is let in by both keys until a login by its own")
    .option("--name <name>", "a name for people")
    .addOption(keyModeOption("the key it signs with"))
    .addOption(switchOption("--shared-identity", "a whole fleet uses this device_key"))
    .addOption(switchOption("--replay-guard", "each proof is good once"))
    .addOption(labelOption("a label, in place of all it has; may be there several times"))
    .option("--no-labels", "take all its labels away")
    .option("--finish-move", "refuse the shared key from now on, once it has a key of its own")
    .option("--etag <etag>", "only if it is still this version")
    .option("--json", "print JSON")
    .action(async (deviceKey: string, options: UpdateOptions, command: Command) => {
      const { change, paths } = readChange(options);
      if (paths.length === 0) {
        const flags = "--name, --key-mode, --shared-identity, --replay-guard, --label, --no-labels or --finish-move";
        throw usageFailure(`say what to change: ${flags}`);
      }
      const device = await update({ ...change, deviceKey, etag: options.etag ?? "" }, paths);
      writeResource(command, DeviceSchema, device);
    });
}

/** What the options say, and the fields that they speak of. */
function readChange(options: UpdateOptions): { change: MessageInitShape<typeof DeviceSchema>; paths: string[] } {
  const { name, keyMode, sharedIdentity, replayGuard, label, labels, finishMove } = options;
  if (label !== undefined && !labels) throw usageFailure("--label and --no-labels exclude each other");
  const fields = {
    ...(name !== undefined && { display_name: { displayName: name } }),
    ...(keyMode !== undefined && { key_mode: { keyMode: KEY_MODES[keyMode] } }),
    ...(sharedIdentity !== undefined && { shared_identity: { sharedIdentity: sharedIdentity === "on" } }),
    ...(replayGuard !== undefined && { replay_guard: { replayGuard: replayGuard === "on" } }),
    ...(finishMove && { accepts_shared_key: { acceptsSharedKey: false } }),
    ...((label !== undefined || !labels) && { labels: { labels: { ...label } } }),
  };
  return { change: Object.assign({}, ...Object.values(fields)), paths: Object.keys(fields) };
}

/** Adds `devices disable` or `devices enable`. */
export function addDeviceSwitch(devices: Command, verb: "disable" | "enable", description: string): void {
  const status = verb === "disable" ? Status.DISABLED : Status.ENABLED;
  devices
    .command(`${verb} <device-key>`)
    .description(description)
    .option("--json", "print JSON")
    .action(async (deviceKey: string, _options: object, command: Command) => {
      const device = await update({ deviceKey, status }, ["status"]);
      writeResource(command, DeviceSchema, device, [`device ${deviceKey} is ${verb}d`]);
    });
}

function update(device: MessageInitShape<typeof DeviceSchema>, paths: string[]): Promise<Device> {
  return callAdmin((admin) => admin.updateDevice({ device, updateMask: { paths } }));
}

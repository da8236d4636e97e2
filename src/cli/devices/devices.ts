// `countersign devices`: enrols, shows, changes and deletes devices.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Command, InvalidArgumentError, Option } from "commander";
import { DeviceSchema } from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { warningOf } from "../../core/login-fields.ts";
import { KEY_MODES, type KeyModeName } from "../device-file/row.ts";
import { adminCommand, callAdmin } from "../gateway/admin-client.ts";
import { writeResource } from "../terminal/fields.ts";
import { readInput } from "../terminal/files.ts";
import { addListCommand } from "../terminal/listing.ts";
import { usageFailure, warn, writeResult } from "../terminal/output.ts";
import { addDeriveKeyCommand } from "./derive-key.ts";
import { addDevicesExportCommand } from "./export.ts";
import { addFleetCommands, addSelectionOptions, countMatching } from "./fleet.ts";
import { addDevicesImportCommand } from "./import.ts";

type Labels = Readonly<Record<string, string>>;

interface DeviceOptions {
  readonly name?: string;
  readonly sharedIdentity?: true | "on" | "off";
  readonly keyMode?: KeyModeName;
  readonly replayGuard?: "on" | "off";
  readonly label?: Labels;
  readonly publicKeyFile?: string;
}

interface CreateOptions extends DeviceOptions {
  readonly customer: string;
  readonly deviceKey?: string;
}

interface UpdateOptions extends DeviceOptions {
  /** False with --no-labels. */
  readonly labels: boolean;
  readonly finishMove?: true;
  /** False with --no-public-key. */
  readonly publicKey: boolean;
}

const COLUMNS = "device_key customer_id status key_mode last_login_time last_failure_reason display_name".split(" ");

/** Adds `devices`, with import and export. */
export function addDevicesCommand(program: Command): void {
  const devices = adminCommand(program, "devices").description("manage devices");
  addCreate(devices);
  const list = addListCommand(devices, {
    description: "list devices",
    desc: DeviceSchema,
    columns: COLUMNS,
    filterExample: "last_login_time < -30d",
    read: (admin, page) => admin.listDevices(page),
    itemsOf: ({ devices }) => devices,
    count: countMatching,
  });
  addSelectionOptions(list);
  devices
    .command("show <device-key>")
    .description("show a device, with its last login and last failure")
    .action(async (deviceKey: string, _options: object, command: Command) => {
      writeResource(command, DeviceSchema, await callAdmin((admin) => admin.getDevice({ deviceKey })));
    });
  addUpdate(devices);
  addFleetCommands(devices);
  addDeriveKeyCommand(devices);
  addDevicesImportCommand(devices);
  addDevicesExportCommand(devices);
}

function addCreate(devices: Command): void {
  devices
    .command("create")
    .description("enrol a device")
    .requiredOption("--customer <id>", "the device's owner")
    .option(
      "--device-key <key>",
      "the name it logs in with, 1 to 96 visible ASCII characters (default: 24 hex digits)",
      readName,
    )
    .option("--name <name>", "a name for people")
    .addOption(keyModeOption().default("shared"))
    .option("--shared-identity", "a whole fleet uses this device_key: count its login limit per address too")
    .addOption(switchOption("--replay-guard", "accept each signed login once (default: on for derived keys)"))
    .option("--label <name=value>", "a label; may be repeated", readLabel)
    .addOption(publicKeyOption())
    .action(async (options: CreateOptions, command: Command) => {
      const { customer: customerId, deviceKey: name = "" } = options;
      const device = { ...(await readFields(options)).fields, deviceKey: name };
      const { deviceKey } = await callAdmin((admin) => admin.createDevice({ customerId, device }));
      writeResult(command, { device_key: deviceKey }, [`device ${deviceKey}`]);
      const warning = warningOf(deviceKey);
      if (warning !== undefined) warn(warning);
    });
}

/** An empty name is a shell variable that is not set: the gateway would choose a name. */
function readName(name: string): string {
  if (name === "") throw new InvalidArgumentError("It is empty. Write a name or leave the option out.");
  return name;
}

function addUpdate(devices: Command): void {
  const noPublicKey = new Option("--no-public-key", "remove its public key: it signs with the customer's key again");
  devices
    .command("update <device-key>")
    .description(
      "change a device; after a move to derived keys both keys work until the first login with the derived one",
    )
    .option("--name <name>", "a name for people")
    .addOption(keyModeOption())
    .addOption(switchOption("--shared-identity", "a whole fleet uses this device_key"))
    .addOption(switchOption("--replay-guard", "accept each signed login once"))
    .option("--label <name=value>", "a label, which replaces all labels; may be repeated", readLabel)
    .addOption(new Option("--no-labels", "remove all its labels").conflicts("label"))
    .addOption(publicKeyOption())
    .addOption(noPublicKey.conflicts("publicKeyFile"))
    .option("--finish-move", "end the move to derived keys: refuse the shared key from now on")
    .action(async (deviceKey: string, options: UpdateOptions, command: Command) => {
      const { labels, publicKey, finishMove } = options;
      const { fields, paths } = await readFields(labels ? options : { ...options, label: {} });
      if (!publicKey) paths.push("public_key");
      if (finishMove) paths.push("accepts_shared_key");
      if (paths.length === 0) throw usageFailure("nothing to change: --help lists the options");
      const device = { ...fields, deviceKey };
      const changed = await callAdmin((admin) => admin.updateDevice({ device, updateMask: { paths } }));
      writeResource(command, DeviceSchema, changed);
    });
}

/** The fields that the options set, and their names for an update mask. */
async function readFields({ name, keyMode, sharedIdentity, replayGuard, label, publicKeyFile }: DeviceOptions) {
  const fields: MessageInitShape<typeof DeviceSchema> = {
    ...(name !== undefined && { displayName: name }),
    ...(keyMode !== undefined && { keyMode: KEY_MODES[keyMode] }),
    ...(sharedIdentity !== undefined && { sharedIdentity: sharedIdentity !== "off" }),
    ...(replayGuard !== undefined && { replayGuard: replayGuard === "on" }),
    ...(label !== undefined && { labels: { ...label } }),
    ...(publicKeyFile !== undefined && { publicKey: (await readInput(publicKeyFile)).toString("utf8") }),
  };
  const paths = DeviceSchema.fields.flatMap(({ name: path, localName }) => (localName in fields ? [path] : []));
  return { fields, paths };
}

function keyModeOption(): Option {
  return new Option("--key-mode <mode>", "the key it signs with").choices(Object.keys(KEY_MODES));
}

function publicKeyOption(): Option {
  return new Option(
    "--public-key-file <file>",
    "PEM of its own public key: only its private key may then sign logins; - is stdin",
  );
}

function switchOption(flag: string, description: string): Option {
  return new Option(`${flag} <switch>`, description).choices(["on", "off"]);
}

function readLabel(text: string, before: Labels | undefined): Labels {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("Write a name and a value, as in site=north.");
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) };
}

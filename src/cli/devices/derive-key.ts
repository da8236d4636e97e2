// `countersign devices derive-key`: boards' own keys, for the production line.

import { createInterface } from "node:readline";
import type { Client } from "@connectrpc/connect";
import type { Command } from "commander";
import {
  type AdminService,
  type DeriveDeviceKeyResponse,
  DeriveDeviceKeyResponseSchema,
  KeyMode,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { jsonLine } from "../fields.ts";
import { callAdmin } from "../gateway/admin-client.ts";
import { CommandFailure, usageFailure, wantsJson, writePart, writeResult } from "../output.ts";
import { writeSecret } from "../secret-file.ts";

/** Adds `devices derive-key`. */
export function addDeviceDeriveKey(devices: Command): void {
  devices
    .command("derive-key <device-key...>")
    .description(
      "print each board's own key, to be flashed where the customer_key goes: a line `device_key customer_key`",
    )
    .usage("[options] <device-key...>   (- for standard input, one a line)")
    .option("--output <file>", "put the key of one board, alone, into a new file that only you can read")
    .option("--json", "print a line of JSON for each")
    .action((named: readonly string[], { output }: { output?: string }, command: Command) =>
      output === undefined ? printKeys(named, command) : keepKey(named, output, command),
    );
}

async function printKeys(named: readonly string[], command: Command): Promise<void> {
  let current = "";
  await callAdmin(async (admin) => {
    for await (const deviceKey of deviceKeys(named)) {
      current = deviceKey;
      const derived = await derive(admin, deviceKey);
      const line = wantsJson(command)
        ? jsonLine(DeriveDeviceKeyResponseSchema, derived)
        : `${derived.deviceKey} ${derived.customerKey}`;
      if (!(await writePart(`${line}\n`))) return;
    }
  }).catch((error: unknown) => {
    throw error instanceof CommandFailure ? failureAt(current, error) : error;
  });
}

async function keepKey(named: readonly string[], output: string, command: Command): Promise<void> {
  const [deviceKey, ...others] = named;
  if (deviceKey === undefined || deviceKey === "-" || others.length > 0) {
    throw usageFailure("--output takes the key of one board, which is named");
  }
  const { keyId } = await writeSecret(output, () => callAdmin((admin) => derive(admin, deviceKey)));
  writeResult(command, { device_key: deviceKey, key_id: keyId, output }, [
    `the key of device ${deviceKey} is in ${output}`,
  ]);
}

/** Whoever flashes a key should know that the gateway does not let the board in by it. */
async function derive(admin: Client<typeof AdminService>, deviceKey: string): Promise<DeriveDeviceKeyResponse> {
  const [derived, { keyMode }] = await Promise.all([
    admin.deriveDeviceKey({ deviceKey }),
    admin.getDevice({ deviceKey }),
  ]);
  if (keyMode !== KeyMode.DERIVED) {
    process.stderr.write(
      `countersign: ${JSON.stringify(deviceKey)} has key_mode shared, and is not let in by this key before: npx countersign devices update ${deviceKey} --key-mode derived\n`,
    );
  }
  return derived;
}

/** Of many keys it has to be told which one could not be derived: those before it are printed, those after it are not. */
function failureAt(deviceKey: string, { message, details, status }: CommandFailure): CommandFailure {
  return deviceKey === ""
    ? new CommandFailure(message, details, status)
    : new CommandFailure(`${JSON.stringify(deviceKey)}: ${message}`, { ...details, device_key: deviceKey }, status);
}

/** The keys that are named, and in place of `-` those that come by standard input. */
async function* deviceKeys(named: readonly string[]): AsyncIterable<string> {
  for (const name of named) {
    if (name !== "-") {
      yield name;
      continue;
    }
    for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== "") yield line.trim();
  }
}

// `countersign devices derive-key`: boards' own keys, for the production line.

import { createInterface } from "node:readline";
import type { Command } from "commander";
import { DeriveDeviceKeyResponseSchema } from "../../gen/es/countersign/admin/v1/admin_pb.ts";
import { callAdmin } from "./admin-client.ts";
import { jsonLine } from "./fields.ts";
import { CommandFailure, wantsJson, writePart } from "./output.ts";

export function addDeviceDeriveKey(devices: Command): void {
  devices
    .command("derive-key <device-key...>")
    .description(
      "print each board's own key, to be flashed where the customer_key goes: a line `device_key customer_key`",
    )
    .usage("[options] <device-key...>   (- for standard input, one a line)")
    .option("--json", "print a line of JSON for each")
    .action(async (named: readonly string[], _options: object, command: Command) => {
      let current = "";
      await callAdmin(async (admin) => {
        for await (const deviceKey of deviceKeys(named)) {
          current = deviceKey;
          const derived = await admin.deriveDeviceKey({ deviceKey });
          const line = wantsJson(command)
            ? jsonLine(DeriveDeviceKeyResponseSchema, derived)
            : `${derived.deviceKey} ${derived.customerKey}`;
          if (!(await writePart(`${line}\n`))) return;
        }
      }).catch((error: unknown) => {
        throw error instanceof CommandFailure ? failureAt(current, error) : error;
      });
    });
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

// `countersign devices derive-key`: the boards' own keys, for the production line.

import { createInterface } from "node:readline";
import type { Command } from "commander";
import {
  type DeriveDeviceKeyResponse,
  DeriveDeviceKeyResponseSchema,
  KeyMode,
} from "../../../gen/es/countersign/admin/v1/admin_pb.ts";
import { type AdminClient, callAdmin } from "../gateway/admin-client.ts";
import { jsonLine } from "../terminal/fields.ts";
import { CommandFailure, wantsJson, warn, writePart } from "../terminal/output.ts";

/** Adds `devices derive-key`. */
export function addDeriveKeyCommand(devices: Command): void {
  devices
    .command("derive-key <device-key...>")
    .description("print the key to flash into each board, in lines `device_key customer_key`; - reads standard input")
    .action(async (names: readonly string[], _options: object, command: Command) => {
      const json = wantsJson(command);
      let current = "";
      await callAdmin(async (admin) => {
        for await (current of readNames(names)) {
          const derived = await derive(admin, current);
          const line = json ? jsonLine(DeriveDeviceKeyResponseSchema, derived) : `${current} ${derived.customerKey}`;
          if (!(await writePart(`${line}\n`))) return;
        }
      }).catch((error: unknown) => {
        if (!(error instanceof CommandFailure) || current === "") throw error;
        // The keys of earlier boards are already printed: the error names the board that failed.
        const details = { ...error.details, device_key: current };
        throw new CommandFailure(`${JSON.stringify(current)}: ${error.message}`, details, error.status);
      });
    });
}

/** Derives a key, and warns when the gateway does not accept it yet. */
async function derive(admin: AdminClient, deviceKey: string): Promise<DeriveDeviceKeyResponse> {
  const device = admin.getDevice({ deviceKey });
  const [derived, { keyMode }] = await Promise.all([admin.deriveDeviceKey({ deviceKey }), device]);
  if (keyMode !== KeyMode.DERIVED) {
    warn(
      `${JSON.stringify(deviceKey)} has key_mode shared and cannot log in with this key yet. Run: npx countersign devices update ${deviceKey} --key-mode derived`,
    );
  }
  return derived;
}

/** The given names; `-` stands for the lines of standard input. */
async function* readNames(names: readonly string[]): AsyncIterable<string> {
  for (const name of names) {
    if (name !== "-") yield name;
    else for await (const line of createInterface({ input: process.stdin })) if (line.trim() !== "") yield line.trim();
  }
}

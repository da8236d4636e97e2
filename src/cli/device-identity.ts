// Where a command takes a device's identity and secret from: flag, file, standard input, environment, or the demo device.

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { readClientConfig } from "../client-config.ts";
import { dataFile, processEnvironment } from "../config.ts";
import { type DeviceIdentity, parseDemoDevice } from "./demo-device.ts";
import { usageFailure } from "./output.ts";
import { readSecret } from "./secret-file.ts";

export interface DeviceOptions {
  readonly deviceKey?: string;
  readonly customerKey?: string;
  readonly customerKeyFile?: string;
  readonly demo?: boolean;
}

/** Adds the options that name a device and its secret. */
export function addDeviceOptions(command: Command): Command {
  return command
    .option("--device-key <key>", "the device's name")
    .option(
      "--customer-key <secret>",
      "its secret; better from a file or COUNTERSIGN_CUSTOMER_KEY, which no process list shows",
    )
    .option("--customer-key-file <file>", "a file that holds the secret; - for standard input")
    .option("--demo", "the demo device that the first `serve --dev` enrolled");
}

/** Reads a device's identity. @throws CommandFailure that says what is missing */
export async function readDevice(options: DeviceOptions): Promise<DeviceIdentity> {
  const config = readClientConfig(processEnvironment());
  if (options.demo === true) return readDemoDevice(dataFile(config.dataDir, "demo-device"));
  const customerKey =
    options.customerKeyFile === undefined
      ? (options.customerKey ?? config.customerKey)
      : await readSecret(options.customerKeyFile);
  if (options.deviceKey === undefined) throw usageFailure("--device-key is missing (or --demo)");
  if (customerKey === undefined) {
    throw usageFailure(
      "the secret is missing: --customer-key-file, COUNTERSIGN_CUSTOMER_KEY or --customer-key (or --demo)",
    );
  }
  return { deviceKey: options.deviceKey, customerKey };
}

function readDemoDevice(file: string): DeviceIdentity {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw usageFailure(`there is no demo device in ${file}. Start once with: npm start`);
  }
  const demo = parseDemoDevice(text);
  if (demo === undefined) {
    throw usageFailure(`${file} holds no demo device. Remove it and start once with: npm start`);
  }
  return demo;
}

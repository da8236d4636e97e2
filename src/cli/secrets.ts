// Where a command takes a device's identity and secret from: flag, file, standard input, environment, or the demo device.

import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { readClientConfig } from "../client-config.ts";
import { dataFile, processEnvironment } from "../config.ts";
import { CommandFailure } from "./output.ts";

export interface DeviceOptions {
  readonly deviceKey?: string;
  readonly customerKey?: string;
  readonly customerKeyFile?: string;
  readonly demo?: boolean;
}

export interface DeviceIdentity {
  readonly deviceKey: string;
  readonly customerKey: string;
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
  if (options.deviceKey === undefined) throw new CommandFailure("--device-key is missing (or --demo)", {}, 2);
  if (customerKey === undefined) {
    throw new CommandFailure(
      "the secret is missing: --customer-key-file, COUNTERSIGN_CUSTOMER_KEY or --customer-key (or --demo)",
      {},
      2,
    );
  }
  return { deviceKey: options.deviceKey, customerKey };
}

/** Reads a secret from a file or, for `-`, standard input; one line break at its end is not part of it. */
export async function readSecret(file: string): Promise<string> {
  let secret: string;
  try {
    secret = (file === "-" ? await text(process.stdin) : readFileSync(file, "utf8")).replace(/\r?\n$/, "");
  } catch (error) {
    throw new CommandFailure(
      `${file} cannot be read (${error instanceof Error && "code" in error ? error.code : "an error"})`,
      {},
      2,
    );
  }
  const name = file === "-" ? "standard input" : file;
  if (secret === "") throw new CommandFailure(`${name} is empty: it has to hold the secret`, {}, 2);
  if (/[\r\n]/.test(secret))
    throw new CommandFailure(`${name} has several lines: it has to hold the secret alone`, {}, 2);
  return secret;
}

function readDemoDevice(file: string): DeviceIdentity {
  let demo: unknown;
  try {
    demo = JSON.parse(readFileSync(file, "utf8"));
  } catch {
    throw new CommandFailure(`there is no demo device in ${file}. Start once with: npm start`, {}, 2);
  }
  if (typeof demo === "object" && demo !== null && "device_key" in demo && "customer_key" in demo) {
    const { device_key: deviceKey, customer_key: customerKey } = demo;
    if (typeof deviceKey === "string" && typeof customerKey === "string") return { deviceKey, customerKey };
  }
  throw new CommandFailure(`${file} holds no demo device. Remove it and start once with: npm start`, {}, 2);
}

// `countersign sign`: prints a signed login. `login` has the same options.

import type { Command } from "commander";
import { readClientConfig } from "../config.ts";
import { computeSignature, secretFromText } from "../core/signature.ts";
import { systemNow } from "../telemetry/clock.ts";
import { type DemoDevice, readDemoDevice } from "./demo.ts";
import { readSecret } from "./terminal/files.ts";
import { usageFailure } from "./terminal/output.ts";

export interface LoginBody {
  readonly device_key: string;
  readonly timestamp: number;
  readonly device_signature: string;
}

export interface SignOptions {
  readonly deviceKey?: string;
  readonly customerKey?: string;
  readonly customerKeyFile?: string;
  readonly demo?: boolean;
  readonly timestamp?: string;
}

/** Adds `sign`. */
export function addSignCommand(program: Command): void {
  addSignOptions(program.command("sign"))
    .description("print a signed login, ready for POST /auth/login")
    .action(async (options: SignOptions) => {
      process.stdout.write(`${JSON.stringify(await signFrom(options))}\n`);
    });
}

/** Adds the options that name a device, its secret and the time. */
export function addSignOptions(command: Command): Command {
  return command
    .option("--device-key <key>", "the device's name")
    .option(
      "--customer-key <secret>",
      "its secret; better in a file or COUNTERSIGN_CUSTOMER_KEY, which no process list shows",
    )
    .option("--customer-key-file <file>", "a file that holds the secret; - for standard input")
    .option("--demo", "the demo device that the first `serve --dev` enrolled")
    .option("--timestamp <seconds>", "the time to sign, in Unix seconds (default: now)");
}

/** Signs a login as the options say. @throws CommandFailure that names a missing option */
export async function signFrom(options: SignOptions): Promise<LoginBody> {
  return signLogin(await readDevice(options), readTimestamp(options.timestamp));
}

/** Signs a login at `timestamp`, in Unix seconds. */
export function signLogin({ deviceKey, customerKey }: DemoDevice, timestamp: number): LoginBody {
  const signature = computeSignature(secretFromText(customerKey), timestamp, deviceKey);
  return { device_key: deviceKey, timestamp, device_signature: signature.toString("hex") };
}

function readTimestamp(text: string | undefined): number {
  if (text === undefined) return Math.floor(systemNow() / 1000);
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw usageFailure("--timestamp takes Unix time in whole seconds, at most ten digits");
}

async function readDevice({ demo, deviceKey, ...options }: SignOptions): Promise<DemoDevice> {
  const config = readClientConfig();
  if (demo) {
    const device = readDemoDevice(config.dataDir);
    if (device !== undefined) return device;
    throw usageFailure(`there is no demo device in ${config.dataDir}. Start once with: npm start`);
  }
  const { customerKeyFile: file, customerKey: given } = options;
  const customerKey = file === undefined ? (given ?? config.customerKey) : await readSecret(file);
  if (deviceKey === undefined) throw usageFailure("--device-key is missing (or --demo)");
  if (customerKey === undefined) {
    throw usageFailure(
      "the secret is missing: --customer-key-file, COUNTERSIGN_CUSTOMER_KEY or --customer-key (or --demo)",
    );
  }
  return { deviceKey, customerKey };
}

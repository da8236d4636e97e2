// `countersign sign`: prints the body of a login.

import type { Command } from "commander";
import { computeSignature, secretFromText } from "../core/signature.ts";
import { systemNow } from "../telemetry/clock.ts";
import type { DeviceIdentity } from "./demo-device.ts";
import { addDeviceOptions, type DeviceOptions, readDevice } from "./device-identity.ts";
import { usageFailure } from "./output.ts";

export interface SignedLogin {
  readonly device_key: string;
  readonly timestamp: number;
  readonly device_signature: string;
}

/** Signs a login at `timestamp`, in unix seconds. */
export function signLogin({ deviceKey, customerKey }: DeviceIdentity, timestamp: number): SignedLogin {
  const signature = computeSignature(secretFromText(customerKey), timestamp, deviceKey);
  return { device_key: deviceKey, timestamp, device_signature: signature.toString("hex") };
}

/** Reads --timestamp; now when absent. */
export function readTimestampOption(text: string | undefined): number {
  if (text === undefined) return Math.floor(systemNow() / 1000);
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw usageFailure("--timestamp takes Unix time in whole seconds, at most ten digits");
}

interface SignOptions extends DeviceOptions {
  readonly timestamp?: string;
}

/** Adds `sign`. */
export function addSignCommand(program: Command): void {
  addDeviceOptions(program.command("sign"))
    .description("print a signed login, ready for POST /auth/login")
    .option("--timestamp <seconds>", "the time to sign, in Unix seconds (default: now)")
    .option("--json", "the same: the body is JSON")
    .action(async (options: SignOptions) => {
      const signed = signLogin(await readDevice(options), readTimestampOption(options.timestamp));
      process.stdout.write(`${JSON.stringify(signed)}\n`);
    });
}

// The command line: its commands, and what a failure looks like. Knows commander; each command is a file of its own.

import { Command, CommanderError } from "commander";
import { ConfigError } from "../config.ts";
import { addCustomerKeysCommand } from "./customer-keys.ts";
import { addCustomersCommand } from "./customers.ts";
import { addDevicesCommand } from "./devices.ts";
import { addLoginCommand } from "./login.ts";
import { CommandFailure, wantsJson, writeFailure } from "./output.ts";
import { addServeCommand } from "./serve.ts";
import { addSignCommand } from "./sign.ts";

/** Runs a command line (without node and script). @returns the exit status */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  const program = new Command("countersign")
    .description("Lets devices in: a device signs its login, the gateway countersigns with a short-lived token.")
    .option("--json", "print JSON, results and errors alike")
    .showHelpAfterError("(countersign --help lists the commands)")
    .exitOverride();
  for (const add of [
    addServeCommand,
    addLoginCommand,
    addSignCommand,
    addCustomersCommand,
    addCustomerKeysCommand,
    addDevicesCommand,
  ]) {
    add(program);
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode;
    if (error instanceof ConfigError || error instanceof CommandFailure) {
      writeFailure(error, wantsJson(program));
      return error instanceof CommandFailure ? error.status : 2;
    }
    throw error;
  }
}

// The command line: its commands, and what a failure looks like. Knows commander; each command is a file of its own.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { Command, CommanderError, Help, type Option } from "commander";
import { ConfigError } from "../config.ts";
import { addAuditCommand } from "./audit.ts";
import { addCustomerKeysCommand } from "./customer-keys.ts";
import { addCustomersCommand } from "./customers.ts";
import { addDevicesCommand } from "./devices/devices.ts";
import { addExplainCommand } from "./explain.ts";
import { addLoginCommand } from "./login/login.ts";
import { CommandFailure, hearOutput, usageFailure, writeFailure } from "./output.ts";
import { addSecretsCommand } from "./secrets.ts";
import { addServeCommand } from "./serve.ts";
import { addSignCommand } from "./sign.ts";
import { addSigningKeysCommand } from "./signing-keys.ts";
import { addTokensCommand } from "./tokens.ts";

/** Runs a command line (without node and script). @returns the exit status */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  // Before it is known what the command line means, it is known how its mistakes are to be told.
  const json = args.includes("--json");
  hearOutput();
  const program = new Command("countersign")
    .description("Lets devices in: a device signs its login, the gateway countersigns with a short-lived token.")
    .option("--json", "print JSON, results and errors alike")
    .version(readVersion(), "--version", "print the version")
    .exitOverride()
    .configureHelp({ optionDescription })
    .configureOutput({ writeErr: () => {} });
  for (const add of COMMANDS) add(program);
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    const failure = asFailure(error);
    if (failure !== undefined) writeFailure(failure, json);
    return failure?.status ?? 0;
  }
}

/** Which options have to be there is part of what they are. */
function optionDescription(option: Option): string {
  const usual = new Help().optionDescription(option);
  return option.mandatory ? `${usual} (required)` : usual;
}

const COMMANDS = [
  addServeCommand,
  addLoginCommand,
  addSignCommand,
  addExplainCommand,
  addCustomersCommand,
  addCustomerKeysCommand,
  addDevicesCommand,
  addSigningKeysCommand,
  addTokensCommand,
  addAuditCommand,
  addSecretsCommand,
];

/** The package's version, from package.json, which is where sources and built code both have above them. */
function readVersion(): string {
  const file = findPackageJSON("..", import.meta.url);
  const about: unknown = file === undefined ? undefined : JSON.parse(readFileSync(file, "utf8"));
  return typeof about === "object" && about !== null && "version" in about ? String(about.version) : "unknown";
}

/** What is to be told of an error; undefined for one that only ends the command line, like --help. @throws a bug */
function asFailure(error: unknown): CommandFailure | undefined {
  if (error instanceof CommandFailure) return error;
  if (error instanceof ConfigError) return new CommandFailure(error.message, { mistakes: error.mistakes }, 2);
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0) return undefined;
  const message = error.message.replace(/^error: /, "");
  return usageFailure(
    message === "(outputHelp)"
      ? "say what to do (countersign --help lists the commands)"
      : `${message} (--help tells more)`,
  );
}

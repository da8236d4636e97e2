// The command line: its commands, and what a failure looks like. Knows commander; each command is a file of its own, and is
// loaded when it is asked for.

import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { Command, CommanderError, Help, type Option } from "commander";
import { ConfigError } from "../config.ts";
import { CommandFailure, hearOutput, usageFailure, writeFailure } from "./output.ts";

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
  for (const add of await loadCommands(args)) add(program);
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

type AddCommand = (program: Command) => void;

/** In the order in which --help lists them. */
const COMMANDS = new Map<string, () => Promise<AddCommand>>([
  ["serve", async () => (await import("./serve.ts")).addServeCommand],
  ["login", async () => (await import("./login/login.ts")).addLoginCommand],
  ["sign", async () => (await import("./sign.ts")).addSignCommand],
  ["explain", async () => (await import("./explain.ts")).addExplainCommand],
  ["customers", async () => (await import("./customers.ts")).addCustomersCommand],
  ["customer-keys", async () => (await import("./customer-keys.ts")).addCustomerKeysCommand],
  ["devices", async () => (await import("./devices/devices.ts")).addDevicesCommand],
  ["signing-keys", async () => (await import("./signing-keys.ts")).addSigningKeysCommand],
  ["tokens", async () => (await import("./tokens.ts")).addTokensCommand],
  ["audit", async () => (await import("./audit.ts")).addAuditCommand],
  ["secrets", async () => (await import("./secrets.ts")).addSecretsCommand],
]);

/** The command that is asked for; all of them where it is none, for help and for what a mistyped one could have meant. */
async function loadCommands(args: readonly string[]): Promise<readonly AddCommand[]> {
  const [first = ""] = args.filter((word) => !word.startsWith("-"));
  const asked = COMMANDS.get(first);
  if (asked !== undefined) return [await asked()];
  return first === "" && args.includes("--version") ? [] : Promise.all([...COMMANDS.values()].map((load) => load()));
}

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

// The command line: its commands, and how their failures are printed.

import { Command, CommanderError, Help, type Option } from "commander";
import { ConfigError, readVersion } from "../config.ts";
import { CommandFailure, usageFailure, watchOutput, writeFailure } from "./terminal/output.ts";

/** Runs a command line, given without node and script. @returns the exit status */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  // Mistakes in the command line itself are printed as JSON too.
  const json = args.includes("--json");
  watchOutput();
  const program = await createProgram(args);
  try {
    await program.parseAsync([...args], { from: "user" });
    return 0;
  } catch (error) {
    const failure = asFailure(error);
    if (failure !== undefined) writeFailure(failure, json);
    return failure?.status ?? 0;
  }
}

/** Builds the program with the called command; with all commands if none is called. */
export async function createProgram(args: readonly string[]): Promise<Command> {
  const program = new Command("countersign")
    .description("Device login gateway: a device signs its login, the gateway answers with a short-lived token.")
    .option("--json", "print JSON, results and errors alike")
    .version(readVersion(), "--version", "print the version")
    .exitOverride()
    .configureHelp({ optionDescription, showGlobalOptions: true })
    .configureOutput({ writeErr: () => {} });
  for (const add of await loadCommands(args)) add(program);
  return program;
}

/** An option's text in --help, with its choices and default. */
function optionDescription(option: Option): string {
  const text = new Help().optionDescription(option);
  return option.mandatory ? `${text} (required)` : text;
}

type AddCommand = (program: Command) => void;

/** Commands in the order of --help. The file of a command is loaded when the command is called. */
const COMMANDS = new Map<string, () => Promise<AddCommand>>([
  ["serve", async () => (await import("./serve.ts")).addServeCommand],
  ["check", async () => (await import("./maintenance.ts")).addCheckCommand],
  ["backup", async () => (await import("./maintenance.ts")).addBackupCommand],
  ["restore", async () => (await import("./maintenance.ts")).addRestoreCommand],
  ["login", async () => (await import("./login.ts")).addLoginCommand],
  ["sign", async () => (await import("./sign.ts")).addSignCommand],
  ["explain", async () => (await import("./login.ts")).addExplainCommand],
  ["customers", async () => (await import("./customers.ts")).addCustomersCommand],
  ["customer-keys", async () => (await import("./customer-keys.ts")).addCustomerKeysCommand],
  ["devices", async () => (await import("./devices/devices.ts")).addDevicesCommand],
  ["signing-keys", async () => (await import("./signing-keys.ts")).addSigningKeysCommand],
  ["tokens", async () => (await import("./tokens.ts")).addTokensCommand],
  ["dashboard", async () => (await import("./operators.ts")).addDashboardCommand],
  ["operators", async () => (await import("./operators.ts")).addOperatorsCommand],
  ["audit", async () => (await import("./operators.ts")).addAuditCommand],
  ["secrets", async () => (await import("./maintenance.ts")).addSecretsCommand],
]);

/** Loads the called command; all of them for help and for an unknown name, which gets a suggestion. */
async function loadCommands(args: readonly string[]): Promise<readonly AddCommand[]> {
  const [name = ""] = args.filter((word) => !word.startsWith("-"));
  const load = COMMANDS.get(name);
  if (load !== undefined) return [await load()];
  return name === "" && args.includes("--version") ? [] : Promise.all([...COMMANDS.values()].map((one) => one()));
}

/** The failure to print; undefined for --help and --version. @throws an error that is a bug */
function asFailure(error: unknown): CommandFailure | undefined {
  if (error instanceof CommandFailure) return error;
  if (error instanceof ConfigError) return new CommandFailure(error.message, { mistakes: error.mistakes }, 2);
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0) return undefined;
  const message = error.message.replace(/^error: /, "");
  return usageFailure(
    message === "(outputHelp)"
      ? "the command is missing (countersign --help lists the commands)"
      : `${message} (see --help)`,
  );
}

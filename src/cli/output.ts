// What a command prints: a result for people or as one JSON line; a failure likewise. Knows no command.

import type { Command } from "commander";

/** Why a command did not do what it was told, in one line; `details` is what --json adds. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly details: Readonly<Record<string, unknown>>;
  /** The exit status: 1 refused, 2 asked wrongly. */
  readonly status: number;
  constructor(message: string, details: Readonly<Record<string, unknown>> = {}, status = 1) {
    super(message);
    this.details = details;
    this.status = status;
  }
}

/** Whether --json was given, before or after the command's name. */
function wantsJson(command: Command): boolean {
  return command.optsWithGlobals()["json"] === true;
}

/** Prints a result: as it is for --json, else line by line. */
export function writeResult(
  command: Command,
  result: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): void {
  process.stdout.write(wantsJson(command) ? `${JSON.stringify(result)}\n` : `${lines.join("\n")}\n`);
}

export function writeFailure(error: Error, json: boolean): void {
  const details = error instanceof CommandFailure ? error.details : {};
  process.stderr.write(
    json
      ? `${JSON.stringify({ error: { ...details, message: error.message } })}\n`
      : `countersign: ${error.message.replaceAll("\n", "\ncountersign: ")}\n`,
  );
}

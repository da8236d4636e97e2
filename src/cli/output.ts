// What a command prints: a result for people or as one JSON line; a failure likewise. Knows no command.

import type { Command } from "commander";
import { codeOf } from "./error-code.ts";

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

/** What a command is when it was asked for wrongly. */
export function usageFailure(message: string): CommandFailure {
  return new CommandFailure(message, {}, 2);
}

/** Whether --json was given, before or after the command's name. */
export function wantsJson(command: Command): boolean {
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

/**
 * Writes a part of a long result, at the pace of whoever reads it.
 * @returns false once nobody does any more, as after `| head`: there is no point in going on
 */
export function writePart(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === undefined || error === null));
  });
}

/** A reader that has seen enough ends nothing and is told nothing; output that cannot be written otherwise ends the command. */
export function hearOutput(): void {
  process.stdout.on("error", (error) => {
    const code = codeOf(error);
    if (code === "EPIPE") return;
    writeFailure(new CommandFailure(`standard output cannot be written (${code})`), false);
    process.exit(1);
  });
}

/** Prints a failure on standard error: a line, or as JSON. */
export function writeFailure(error: Error, json: boolean): void {
  const details = error instanceof CommandFailure ? error.details : {};
  process.stderr.write(
    json
      ? `${JSON.stringify({ error: { ...details, message: error.message } })}\n`
      : `countersign: ${error.message.replaceAll("\n", "\ncountersign: ")}\n`,
  );
}

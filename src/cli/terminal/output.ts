// Command output: results for people or as JSON lines, and failures.

import { createInterface } from "node:readline";
import type { Command } from "commander";
import { codeOf } from "../../setting-readers.ts";

/** The reason why a command failed, in one line. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  /** Fields that --json adds to the message. */
  readonly details: Readonly<Record<string, unknown>>;
  /** The exit status: 1 when the command failed, 2 when it was called wrongly. */
  readonly status: number;
  constructor(message: string, details: Readonly<Record<string, unknown>> = {}, status = 1) {
    super(message);
    this.details = details;
    this.status = status;
  }
}

/** A failure with exit status 2: a wrong option, argument or file. */
export function usageFailure(message: string): CommandFailure {
  return new CommandFailure(message, {}, 2);
}

/** Whether --json was given, before or after the command's name. */
export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals()["json"] === true;
}

/** Prints a result: one JSON line with --json, else the lines for people. */
export function writeResult(
  command: Command,
  result: Readonly<Record<string, unknown>>,
  lines: readonly string[],
): void {
  process.stdout.write(wantsJson(command) ? `${JSON.stringify(result)}\n` : `${lines.join("\n")}\n`);
}

/**
 * Writes a part of a long result and waits until it is written.
 * @returns false once the reader is gone, as after `| head`
 */
export function writePart(text: string): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(text, (error) => resolve(error === undefined || error === null));
  });
}

/** Prints text to standard error. */
export function warn(text: string): void {
  process.stderr.write(`countersign: ${text.replaceAll("\n", "\ncountersign: ")}\n`);
}

/** Prints a failure to standard error: a line, or JSON. */
export function writeFailure(error: CommandFailure, json: boolean): void {
  if (json) process.stderr.write(`${JSON.stringify({ error: { ...error.details, message: error.message } })}\n`);
  else warn(error.message);
}

/** Ends the process when standard output cannot be written; a reader that went away (EPIPE) is not an error. */
export function watchOutput(): void {
  process.stdout.on("error", (error) => {
    const code = codeOf(error);
    if (code === "EPIPE") return;
    warn(`standard output cannot be written (${code})`);
    process.exit(1);
  });
}

/** The option of a command that asks before it changes anything. */
export interface ConfirmOptions {
  readonly yes?: boolean;
}

/** Adds --yes. */
export function addConfirmOption(command: Command): Command {
  return command.option("--yes", "do not ask first (scripts are never asked)");
}

/**
 * Asks for confirmation on a terminal. Scripts, which have no terminal on standard input, are not asked.
 * @throws CommandFailure when the answer is not yes
 */
export async function confirm(question: string, { yes = false }: ConfirmOptions): Promise<void> {
  if (yes || !process.stdin.isTTY) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await new Promise<string>((resolve) => {
    // Ctrl-C and Ctrl-D close the terminal: the answer is then no.
    terminal.once("close", () => resolve(""));
    terminal.question(`${question} [y/N] `, resolve);
  });
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure("nothing was changed");
}

// Installs and runs programs of other languages and vendors.

import { spawn } from "node:child_process";
import { type Outcome, outcomeOf } from "../program.ts";
import { installMissing, type Requirement } from "../requirements.ts";

const MAX_ERROR_TEXT = 600;
/** Rust compiles some 200 crates. */
const LONGEST_MS = 900_000;

/** @throws Error that says how to install it */
export function install(requirement: Requirement): void {
  if (installMissing([requirement]).length === 0) return;
  throw new Error(`${requirement.name} is missing. Run: apt-get install ${requirement.packages}`);
}

/** Runs a program. @returns its output @throws Error with its standard error */
export async function succeed(command: readonly string[], input?: string): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, input);
  if (status === 0) return stdout;
  const printed = (stderr || stdout).replaceAll(/\s+/g, " ").slice(-MAX_ERROR_TEXT);
  throw new Error(`exit status ${status ?? "none (killed)"}: ${printed}`);
}

/** Runs a program; the status is null after a timeout. It inherits only PATH: no proxy, no secret. */
export function runProgram([command = "", ...args]: readonly string[], input = ""): Promise<Outcome> {
  const env = { PATH: process.env["PATH"] };
  const child = spawn(command, args, { env, timeout: LONGEST_MS, killSignal: "SIGKILL" });
  // A program may end without reading its input; its own error says why.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return outcomeOf(child);
}

// Runs the programs of a row to their end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

const LONGEST_MS = 180_000;
const LONGEST_COMPLAINT = 600;

/** Runs a program to its end. @returns what it printed @throws Error with what it complained of */
export async function succeed(command: readonly string[], timeoutMs = LONGEST_MS, input = ""): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, timeoutMs, input);
  if (status === 0) return stdout;
  throw new Error(
    `exit status ${status ?? "none (killed)"}: ${(stderr || stdout).replaceAll(/\s+/g, " ").slice(-LONGEST_COMPLAINT)}`,
  );
}

export interface Outcome {
  /** Null: killed when its time was over. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. It inherits PATH alone: no proxy, no secret. */
export async function runProgram(
  [command = "", ...args]: readonly string[],
  timeoutMs: number,
  input = "",
): Promise<Outcome> {
  const env = { PATH: process.env["PATH"] };
  const child = spawn(command, args, { env, timeout: timeoutMs, killSignal: "SIGKILL" });
  // A program that ends without reading says why itself.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: typeof status === "number" ? status : null, stdout, stderr };
}

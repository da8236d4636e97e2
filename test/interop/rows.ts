// The rows of `npm run test:interop`, and the programs that they run to their end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import type { Outcome } from "../program.ts";
import { installMissing, type Requirement } from "../requirements.ts";

export interface Row {
  readonly name: string;
  /** @returns the mistakes; the row passes without any */
  readonly run: () => Promise<readonly string[]>;
  /** The row's timeout, in milliseconds; absent: a minute. */
  readonly longestMs?: number;
}

/** Timeout of a row, in milliseconds. */
export const LONGEST_MS = 60_000;
/** apt-get may take this long. */
const INSTALL_MS = 600_000;
const MAX_ERROR_TEXT = 600;

/** A row that first installs the programs that it needs. A program that cannot be installed fails its row. */
export function requiring(requirement: Requirement, row: Row): Row {
  return {
    name: row.name,
    longestMs: (row.longestMs ?? LONGEST_MS) + INSTALL_MS,
    run: async () =>
      installMissing([requirement]).length > 0
        ? [`a program is missing. Run: apt-get install ${requirement.packages}`]
        : row.run(),
  };
}

/** Runs a program to its end, in three minutes at most. @returns its output @throws Error with its standard error */
export async function succeed(command: readonly string[], timeoutMs = 180_000, input = ""): Promise<string> {
  const { status, stdout, stderr } = await runProgram(command, timeoutMs, input);
  if (status === 0) return stdout;
  throw new Error(
    `exit status ${status ?? "none (killed)"}: ${(stderr || stdout).replaceAll(/\s+/g, " ").slice(-MAX_ERROR_TEXT)}`,
  );
}

/** Runs a program to its end; the status is null after a timeout. It inherits only PATH: no proxy, no secret. */
export async function runProgram(
  [command = "", ...args]: readonly string[],
  timeoutMs: number,
  input = "",
): Promise<Outcome> {
  const env = { PATH: process.env["PATH"] };
  const child = spawn(command, args, { env, timeout: timeoutMs, killSignal: "SIGKILL" });
  // A program may end without reading its input; its own error says why.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { status: typeof status === "number" ? status : null, stdout, stderr };
}

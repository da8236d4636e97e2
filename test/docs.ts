// The commands that a page of docs/ tells, as code to run.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";

/** The one line of a page's shell blocks that starts so. */
export function commandOf(page: string, start: string): string {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, code = ""]) => code);
  const lines = blocks.flatMap((code) => code.split("\n")).filter((line) => line.startsWith(start));
  const [line, ...others] = lines;
  if (line === undefined || others.length > 0)
    throw new Error(`${page} has ${lines.length} lines that start so: ${start}`);
  return line;
}

export interface ShellOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Where its programs are, before all other places. */
  readonly folders?: readonly string[];
}

/** Runs a command in a shell. @throws what it says when it fails, or complains */
export async function runShell(command: string, { cwd, env = {}, folders = [] }: ShellOptions): Promise<void> {
  const path = [...folders, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const { stderr } = await promisify(execFile)("sh", ["-c", command], {
    cwd,
    env: { ...process.env, ...env, PATH: path },
  });
  if (stderr !== "") throw new Error(stderr);
}

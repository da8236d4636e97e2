// Runs the shell commands of a page.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";
import { fencesIn } from "./fences.ts";

/** The one shell block of a page with a line that starts with `start`. */
export function commandOf(page: string, start: string): string {
  const lines = (code: string): readonly string[] => code.split("\n").map((line) => line.trimStart());
  const blocks = fencesIn(readFileSync(page, "utf8"), "sh").filter((code) =>
    lines(code).some((line) => line.startsWith(start)),
  );
  const [block, ...others] = blocks;
  if (block === undefined || others.length > 0)
    throw new Error(`${page} has ${blocks.length} blocks with a line that starts with ${start}`);
  return block;
}

export interface ShellOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Searched for programs before PATH. */
  readonly folders?: readonly string[];
}

/** Runs a command in a shell. @throws its standard error, when it fails or writes there */
export async function runShell(command: string, { cwd, env = {}, folders = [] }: ShellOptions): Promise<void> {
  const path = [...folders, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const { stderr } = await promisify(execFile)("sh", ["-c", command], {
    cwd,
    env: { ...process.env, ...env, PATH: path },
  });
  if (stderr !== "") throw new Error(stderr);
}

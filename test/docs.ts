// The commands that a page of docs/ tells, as code to run.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";
import { fencesIn } from "./fences.ts";

/** The one shell block of a page that has a line that starts so. */
export function commandOf(page: string, start: string): string {
  return blockOf(page, "sh", start);
}

/** The one script of a page that has a line that starts so. */
export function scriptOf(page: string, start: string): string {
  return blockOf(page, "js", start);
}

function blockOf(page: string, language: string, start: string): string {
  const lines = (code: string): readonly string[] => code.split("\n").map((line) => line.trimStart());
  const blocks = fencesIn(readFileSync(page, "utf8"), language).filter((code) =>
    lines(code).some((line) => line.startsWith(start)),
  );
  const [block, ...others] = blocks;
  if (block === undefined || others.length > 0)
    throw new Error(`${page} has ${blocks.length} blocks with a line that starts so: ${start}`);
  return block;
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

// Runs the shell commands of a page.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter, dirname } from "node:path";
import { promisify } from "node:util";
import { fencesIn } from "./fences.ts";

const NPX = "npx countersign ";
const ELSEWHERE = /countersign (?:serve|backup|restore)|--demo|npm start/;

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

/** The `npx countersign` commands of a page, without these words; other tests run the blocks that need a process, or a gateway's demo. */
export function commandLinesOf(page: string): readonly string[] {
  const blocks = fencesIn(readFileSync(page, "utf8"), "sh").filter((code) => !ELSEWHERE.test(code));
  const lines = blocks.flatMap((code) => code.split("\n")).map((line) => line.trim().replace(/\s{2,}#.*$/, ""));
  return lines.filter((line) => line.startsWith(NPX)).map((line) => line.slice(NPX.length));
}

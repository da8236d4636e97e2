// Reads fenced blocks of pages, and runs them as pasted.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { cleanEnvironment, type Outcome, outcomeOf, type ServingProcess, temporaryFolder } from "./program.ts";

const PUBLIC = "127.0.0.1:8080";
const INTERNAL = "127.0.0.1:9090";
const NPX = "npx countersign ";
const ELSEWHERE = /countersign (?:serve|backup|restore)|--demo|npm start/;

/** The blocks of a language in Markdown, in its order. */
export function fencesIn(markdown: string, language: string): readonly string[] {
  const fences = [...markdown.matchAll(/^[ \t]*```(\w+)\n([\s\S]*?)^[ \t]*```/gm)];
  return fences.filter(([, name]) => name === language).map(([, , code = ""]) => code);
}

/** The one block of a page in a language that contains a text. */
export function exampleOf(page: string, language: string, text: string): string {
  const blocks = fencesIn(readFileSync(page, "utf8"), language).filter((code) => code.includes(text));
  const [block, ...others] = blocks;
  if (block === undefined || others.length > 0) throw new Error(`${page} has ${blocks.length} blocks with ${text}`);
  return block;
}

/** The `npx countersign` commands of a page, without these words; other tests run the blocks that need a process, or a gateway's demo. */
export function commandLinesOf(page: string): readonly string[] {
  const blocks = fencesIn(readFileSync(page, "utf8"), "sh").filter((code) => !ELSEWHERE.test(code));
  const lines = blocks.flatMap((code) => code.split("\n")).map((line) => line.trim().replace(/\s{2,}#.*$/, ""));
  return lines.filter((line) => line.startsWith(NPX)).map((line) => line.slice(NPX.length));
}

/** A folder with the parts of a checkout that examples use, and an empty `data`. */
export function makeCheckout(): string {
  const folder = temporaryFolder();
  for (const name of ["proto", "node_modules", "bin", "src", "gen", "examples", "scripts", "dist", "package.json"])
    symlinkSync(resolve(name), resolve(folder, name));
  mkdirSync(resolve(folder, "data"));
  return folder;
}

/**
 * Makes an `npx` that starts at once; npm's own takes a second, and test/readme* run it. @returns its folder, which has to
 * be the first in PATH
 */
export function makeNpx(): string {
  const folder = temporaryFolder();
  const launcher = resolve(import.meta.dirname, "../bin/countersign.js");
  const script = `#!/bin/sh
program=$1
shift
case $program in
countersign) exec '${process.execPath}' '${launcher}' "$@" ;;
node) exec '${process.execPath}' "$@" ;;
esac
echo "npx: a test knows no $program" >&2
exit 127
`;
  writeFileSync(join(folder, "npx"), script, { mode: 0o755 });
  return folder;
}

interface Shell {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Folders that are searched for programs before PATH. */
  readonly folders?: readonly string[];
}

function start(code: string, { cwd, env = {}, folders = [] }: Shell, shell: "bash" | "sh") {
  const path = [...folders, dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const all = { ...cleanEnvironment(), ...env, PATH: path };
  return spawn(shell, ["-c", code], { cwd, env: all, stdio: ["ignore", "pipe", "pipe"] });
}

/** Runs a block to its end. */
export function paste(code: string, shell: Shell, name: "bash" | "sh" = "bash"): Promise<Outcome> {
  return outcomeOf(start(code, shell, name));
}

/** Runs a block. @returns what it prints @throws Error with its standard error, when it fails or writes there */
export async function runShell(code: string, shell: Shell, name: "bash" | "sh" = "sh"): Promise<string> {
  const { status, stdout, stderr } = await paste(code, shell, name);
  if (status !== 0 || stderr !== "") throw new Error(`exit status ${status}: ${stderr}`);
  return stdout.trim();
}

/** Runs a block that ends with `serve` on free ports, and sends SIGTERM after the first line. @returns the line, and how it ended */
export async function serveBriefly(block: string, shell: Shell) {
  const env = { COUNTERSIGN_PUBLIC_LISTEN: "127.0.0.1:0", COUNTERSIGN_INTERNAL_LISTEN: "127.0.0.1:0" };
  const child = start(block, { ...shell, env }, "sh");
  const log = text(child.stderr);
  const [line] = await once(createInterface(child.stdout), "line");
  child.kill("SIGTERM");
  return { line: String(line), end: await once(child, "exit"), log: await log };
}

/** Runs an example in a checkout against `gateway`. @returns what it prints */
export function runIn(
  checkout: string,
  { publicUrl, internalUrl }: Pick<ServingProcess, "publicUrl" | "internalUrl">,
  code: string,
): Promise<string> {
  const placed = code.replaceAll(PUBLIC, new URL(publicUrl).host).replaceAll(INTERNAL, new URL(internalUrl).host);
  return runShell(placed, { cwd: checkout, env: { npm_config_update_notifier: "false" } });
}

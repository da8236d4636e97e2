// Examples of the README and of docs/, run as they are pasted, with the test gateway's addresses.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { fencesIn } from "./fences.ts";
import { type ServingProcess, temporaryFolder } from "./program.ts";

const PUBLIC = "127.0.0.1:8080";
const INTERNAL = "127.0.0.1:9090";

/** The one block of a page in a language that contains a text. */
export function exampleOf(page: string, language: string, text: string): string {
  const blocks = fencesIn(readFileSync(page, "utf8"), language).filter((code) => code.includes(text));
  const [block, ...others] = blocks;
  if (block === undefined || others.length > 0) throw new Error(`${page} has ${blocks.length} blocks with ${text}`);
  return block;
}

/** A folder with what a checkout has for the examples, and an empty `data`. */
export function makeCheckout(): string {
  const folder = temporaryFolder();
  for (const name of ["proto", "node_modules", "bin", "src", "gen", "examples", "scripts", "dist", "package.json"])
    symlinkSync(resolve(name), resolve(folder, name));
  mkdirSync(resolve(folder, "data"));
  return folder;
}

/** Runs an example in a checkout, beside its gateway. @returns what it prints */
export async function runIn(
  checkout: string,
  gateway: Pick<ServingProcess, "publicUrl" | "internalUrl">,
  code: string,
  command: string,
  ...args: readonly string[]
): Promise<string> {
  const child = spawn(command, args, { cwd: checkout, env: { ...process.env, npm_config_update_notifier: "false" } });
  child.stdin.end(
    code.replaceAll(PUBLIC, new URL(gateway.publicUrl).host).replaceAll(INTERNAL, new URL(gateway.internalUrl).host),
  );
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (complaint !== "") throw new Error(complaint);
  return output.trim();
}

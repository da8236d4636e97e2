// The README's examples, as code to run: each as it is pasted, but for where the gateway is.

import { spawn } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { serve, temporaryFolder } from "./program.ts";

const ADDRESS = "http://127.0.0.1:8080";

/** The fenced examples of a language that talk to the gateway. */
export function examplesOf(language: string): readonly string[] {
  const fences = readFileSync("README.md", "utf8").matchAll(/^```(\w+)\n([\s\S]*?)^```/gm);
  return [...fences]
    .filter(([, name, code = ""]) => name === language && code.includes(ADDRESS))
    .map(([, , code = ""]) => code);
}

/** Runs an example beside a gateway that was just started with `npm start`'s command. @returns what it prints */
export async function runExample(code: string, command: string, ...args: readonly string[]): Promise<string> {
  const folder = temporaryFolder();
  const { publicUrl } = await serve(resolve(folder, "data"));
  for (const name of ["proto", "node_modules", "bin", "src", "gen", "package.json"])
    symlinkSync(resolve(name), resolve(folder, name));
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, npm_config_update_notifier: "false" } });
  child.stdin.end(code.replaceAll(ADDRESS, publicUrl));
  const [output, complaint] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (complaint !== "") throw new Error(complaint);
  return output.trim();
}

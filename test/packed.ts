// Packs the package once a run, outside of dist/, and installs it as a dependency.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inject } from "vitest";

/** Files that `npm pack` needs, and those of the list `files`. */
const SOURCES = ["package.json", "README.md", "src", "gen", "scripts", "tsconfig.json", "tsconfig.build.json"];

/**
 * Installs the packed tarball into `folder`/node_modules, with links to this checkout for its dependencies and for the packages
 * in `others`. @returns the path of the package
 */
export async function installPacked(folder: string, others: readonly string[] = []): Promise<string> {
  const tarball = await packOnce(inject("packFolder"));
  const modules = join(folder, "node_modules");
  const installed = join(modules, "countersign");
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", tarball, "-C", installed, "--strip-components=1"]);
  symlinkSync(resolve("node_modules"), join(installed, "node_modules"));
  for (const other of others) {
    mkdirSync(dirname(join(modules, other)), { recursive: true });
    symlinkSync(resolve("node_modules", other), join(modules, other));
  }
  return installed;
}

/** Packs in the first process of a run; all others wait. @returns the tarball, in `folder` */
async function packOnce(folder: string): Promise<string> {
  const [tarball, failure] = [join(folder, "countersign.tgz"), join(folder, "failure")];
  const staging = join(folder, "staging");
  // Only one process can create the folder.
  if (mkdirSync(staging, { recursive: true }) !== undefined) {
    try {
      renameSync(pack(staging), tarball);
    } catch (error) {
      writeFileSync(failure, String(error));
    }
  }
  while (!existsSync(tarball) && !existsSync(failure)) await pause(50);
  if (existsSync(failure)) throw new Error(readFileSync(failure, "utf8"));
  return tarball;
}

/** Packs as for a release, `prepack` included. @returns the tarball */
function pack(staging: string): string {
  const { files } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const file of new Set([...files, ...SOURCES])) {
    if (file !== "dist") cpSync(file, join(staging, file), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(staging, "node_modules"));
  const output = execFileSync("npm", ["pack", "--silent"], { cwd: staging, encoding: "utf8" });
  return join(staging, output.trim().split("\n").at(-1) ?? "");
}

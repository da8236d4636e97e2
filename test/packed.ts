// Packs the package as for a release, in a copy that leaves dist/ alone, and installs it as a dependency.

import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempDisposableSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

/** Files that `npm pack` needs, and those of the list `files`. */
const SOURCES = ["package.json", "README.md", "src", "gen", "scripts", "tsconfig.json", "tsconfig.build.json"];

/**
 * Installs the packed tarball into `folder`/node_modules, with links to this checkout for its dependencies and for the packages
 * in `others`. @returns the path of the package
 */
export function installPacked(folder: string, others: readonly string[]): string {
  using staging = mkdtempDisposableSync(join(tmpdir(), "countersign-pack-"));
  const tarball = pack(staging.path);
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

/** Packs, `prepack` included. @returns the tarball, in `staging` */
function pack(staging: string): string {
  const { files } = JSON.parse(readFileSync("package.json", "utf8"));
  for (const file of new Set([...files, ...SOURCES])) {
    if (file !== "dist") cpSync(file, join(staging, file), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(staging, "node_modules"));
  const output = execFileSync("npm", ["pack", "--silent"], { cwd: staging, encoding: "utf8" });
  return join(staging, output.trim().split("\n").at(-1) ?? "");
}
